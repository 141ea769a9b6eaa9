#pragma once

#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/execution.hpp>
#include <asio/execution_context.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "common/executor/executor.h"

// The only header here that includes Asio: whoever includes it links Asio.
namespace spillway::executor {

// Lets handlers and coroutines run on an Executor, which it refers to and which outlives it. Must
// itself outlive the handlers, as every execution_context must.
class AsioContext : public asio::execution_context {
 public:
  explicit AsioContext(Executor& executor) : executor_(executor) {}
  ~AsioContext() {
    shutdown();
    destroy();
  }

  // Satisfies Asio's requirements for executors; never runs a function inside execute().
  class executor_type {
   public:
    explicit executor_type(AsioContext& context) : context_(&context) {}

    template <class F>
    void execute(F function) const {
      context_->executor_.post(std::move(function));
    }
    asio::execution_context& query(asio::execution::context_t) const noexcept { return *context_; }
    static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
      return asio::execution::blocking.never;
    }
    executor_type require(asio::execution::blocking_t::never_t) const noexcept { return *this; }
    bool operator==(const executor_type&) const noexcept = default;

   private:
    AsioContext* context_;
  };
  executor_type get_executor() noexcept { return executor_type(*this); }

 private:
  Executor& executor_;
};

// The closure of an asynchronous run did not start.
struct DidNotRun : std::runtime_error {
  explicit DidNotRun(Outcome how) : std::runtime_error("the closure did not run"), outcome(how) {}
  Outcome outcome;
};

// Runs function on the executor and completes with (exception_ptr, its value) where the token's
// handler belongs: `co_await async_run(pool, f, {}, asio::use_awaitable)`. The exception is the
// function's own, or DidNotRun; a refused submission completes with DidNotRun{dropped}. The value
// must be default-constructible.
template <class F, class Token>
auto async_run(Executor& executor, F function, SubmitOptions options, Token&& token) {
  using Value = std::invoke_result_t<F&>;
  static_assert(!std::is_void_v<Value>, "return something, if only true");
  return asio::async_initiate<Token, void(std::exception_ptr, Value)>(
      [&executor](auto handler, F f, const SubmitOptions& with) {
        auto home = asio::get_associated_executor(handler);
        auto run = [handler = std::move(handler), f = std::move(f),
                    work = asio::make_work_guard(home)](Outcome outcome) mutable {
          std::exception_ptr error;
          Value value{};
          try {
            if (outcome != Outcome::ran) throw DidNotRun(outcome);
            value = f();
          } catch (...) {
            error = std::current_exception();
          }
          asio::post(work.get_executor(),
                     [handler = std::move(handler), error, value = std::move(value)]() mutable {
                       handler(error, std::move(value));
                     });
        };
        (void)executor.try_submit(std::move(run), with);  // refused: run is told, as ever
      },
      token, std::move(function), std::move(options));
}

}  // namespace spillway::executor
