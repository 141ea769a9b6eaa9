#pragma once

#include <functional>
#include <memory>

#include "cloud/fleet/fleet.h"
#include "cloud/http/problem.h"
#include "cloud/http/server.h"
#include "common/base/gate.h"
#include "common/process/loop.h"

namespace spillway::cloud::api {

// The way from the server's thread to the loop that owns the fleet, and back. Answers are turned
// into text on the server's thread, so that long lists do not hold up the loop. Made and destroyed
// on the loop's thread; what is then still on its way is dropped.
class LoopBridge {
 public:
  using Back = std::function<void(std::function<void()>)>;

  LoopBridge(process::Loop& loop, Fleet& fleet) : loop_(loop), fleet_(fleet) {}
  void connect(http::Server& server) { server_ = &server; }

  // `work` runs on the loop; what it gives `Back`, there, runs on the server's thread.
  void run(std::function<void(Fleet&, Back)> work) {
    loop_.post(gate_.pass([this, work = std::move(work)] {
      work(fleet_,
           gate_.pass([this](std::function<void()> call) { server_->post(std::move(call)); }));
    }));
  }

  // Answers what `show` makes of `ask(fleet)`, or the error that it gave.
  template <class Ask, class Show>
  void look(http::Answer answer, Ask ask, Show show) {
    run([answer = std::move(answer), ask, show](Fleet& fleet, const Back& back) {
      auto found = std::make_shared<decltype(ask(fleet))>(ask(fleet));
      back([answer, show, found] { answer(shown(*found, show)); });
    });
  }
  // The same for what takes its time: `start(fleet, done)`.
  template <class T, class Start, class Show>
  void wait(http::Answer answer, Start start, Show show) {
    run([answer = std::move(answer), start, show](Fleet& fleet, const Back& back) {
      start(fleet, Fleet::Done<T>([answer, show, back](Result<T> result) {
              back([answer, show, result = std::move(result)] { answer(shown(result, show)); });
            }));
    });
  }

 private:
  template <class T, class Show>
  static http::Response shown(const T& value, const Show& show) {
    return show(value);
  }
  template <class T, class Show>
  static http::Response shown(const Result<T>& result, const Show& show) {
    if (!result) return http::problem(result.error());
    if constexpr (std::is_void_v<T>) {
      return show();
    } else {
      return show(*result);
    }
  }

  process::Loop& loop_;
  Fleet& fleet_;
  http::Server* server_ = nullptr;
  Gate gate_;
};

}  // namespace spillway::cloud::api
