#include "common/process/signals.h"

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <csignal>

namespace spillway::process {

struct Signals::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, std::function<void(int)> call_on)
      : set(context), call(std::move(call_on)) {}

  void wait() {
    set.async_wait([self = shared_from_this()](std::error_code error, int number) {
      if (error || !self->call) return;
      self->call(number);
      self->wait();
    });
  }

  asio::signal_set set;
  std::function<void(int)> call;
};

Signals::Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> call)
    : state_(std::make_shared<State>(loop.context(), std::move(call))) {
  for (int number : numbers) {
    std::error_code ignored;
    state_->set.add(number, ignored);
  }
  std::signal(SIGPIPE, SIG_IGN);
  state_->wait();
}

Signals::~Signals() {
  state_->call = nullptr;
  std::error_code ignored;
  state_->set.cancel(ignored);
}

}  // namespace spillway::process
