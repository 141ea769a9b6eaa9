#include "common/executor/asio_bridge.h"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <stdexcept>

#include "common/executor/worker.h"
#include "tests/unit/executor/unit.h"

using namespace spillway::executor;

static_assert(asio::execution::is_executor<AsioContext::executor_type>::value);

TEST_GROUP(AsioBridge){};

TEST(AsioBridge, a_posted_handler_runs_on_a_worker) {
  Executor executor({.workers = 1});
  AsioContext context(executor);
  std::atomic<bool> on_worker{false};
  asio::post(context.get_executor(), [&] { on_worker = Worker::current() != nullptr; });
  executor.shutdown(Shutdown::drain);
  CHECK(on_worker);
}

TEST(AsioBridge, a_coroutine_of_a_loop_awaits_a_task_and_resumes_on_the_loop) {
  Executor executor({.workers = 1});
  asio::io_context loop;
  int value = 0;
  bool resumed_on_loop = false;
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<void> {
        value = co_await async_run(
            executor, [] { return Worker::current() ? 42 : 0; }, {}, asio::use_awaitable);
        resumed_on_loop = loop.get_executor().running_in_this_thread();
      },
      asio::detached);
  loop.run();
  CHECK_EQUAL(42, value);
  CHECK(resumed_on_loop);
}

TEST(AsioBridge, an_exception_and_an_outcome_reach_the_coroutine) {
  Executor executor({.workers = 1});
  asio::io_context loop;
  bool thrown = false, expired = false;
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<void> {
        try {
          co_await async_run(
              executor, []() -> int { throw std::logic_error("seen"); }, {}, asio::use_awaitable);
        } catch (const std::logic_error&) {
          thrown = true;
        }
        SubmitOptions late;
        late.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
        try {
          co_await async_run(
              executor, [] { return 1; }, late, asio::use_awaitable);
        } catch (const DidNotRun& reason) {
          expired = reason.outcome == Outcome::expired;
        }
      },
      asio::detached);
  loop.run();
  CHECK(thrown);
  CHECK(expired);
}

TEST(AsioBridge, a_coroutine_lives_on_the_executor) {
  Executor executor({.workers = 2});
  AsioContext context(executor);
  std::atomic<int> steps{0};
  asio::co_spawn(
      context.get_executor(),
      [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 10; ++i) {
          co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
          steps += Worker::current() != nullptr;
        }
      },
      asio::detached);
  while (steps < 10) std::this_thread::yield();
  executor.shutdown(Shutdown::drain);
}
