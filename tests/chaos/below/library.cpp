// Loaded before the C library into the very programs that ship (LD_PRELOAD), so that faults need no
// seam in them: it fails the store's writes and syncs, makes them slow, steps the wall clock, and
// kills the program around a commit, a message or an ack, as the control block says.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tests/chaos/below/control.h"

using spillway::chaos::Control;
using spillway::chaos::FailPoint;

namespace {

constexpr std::int64_t kSecond = 1'000'000;  // microseconds

Control* map_control() {
  const char* path = std::getenv(spillway::chaos::kControlVariable);
  if (path == nullptr) return nullptr;
  const int file = ::open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return nullptr;
  void* memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return memory == MAP_FAILED ? nullptr : static_cast<Control*>(memory);
}

Control* control() {
  static Control* const mapped = map_control();
  return mapped;
}

template <class Call>
Call* real(const char* name) {
  return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

// The oldest version of a symbol is what dlsym may answer; the waits of today are another one.
void* real_wait() {
  for (const char* version : {"GLIBC_2.3.2", "GLIBC_2.17"}) {
    if (void* found = ::dlvsym(RTLD_NEXT, "pthread_cond_timedwait", version)) return found;
  }
  return ::dlsym(RTLD_NEXT, "pthread_cond_timedwait");
}

// True when this call is to fail, with errno set.
bool fails(const std::atomic<std::int32_t>& error) {
  const std::int32_t code = error.load(std::memory_order_relaxed);
  if (code == 0) return false;
  const std::uint32_t every = control()->error_every.load(std::memory_order_relaxed);
  if (every > 1 && control()->calls.fetch_add(1) % every != 0) return false;
  control()->fired.fetch_add(1);
  errno = code;
  return true;
}

void pass(FailPoint point) {
  Control* c = control();
  if (c == nullptr || c->fail_point.load(std::memory_order_relaxed) != point) return;
  if (c->fail_after.load() > 0) {
    c->fail_after.fetch_sub(1);
    return;
  }
  c->fail_point = FailPoint::none;
  c->fired.fetch_add(1);
  c->kills.fetch_add(1);
  ::kill(::getpid(), SIGKILL);
}

std::int64_t wall_step() {
  Control* c = control();
  return c == nullptr ? 0 : c->wall_step_us.load(std::memory_order_relaxed);
}

void step(timespec& time) {
  const std::int64_t us = wall_step();
  time.tv_sec += static_cast<time_t>(us / kSecond);
  time.tv_nsec += static_cast<long>(us % kSecond * 1000);
  if (time.tv_nsec < 0) time.tv_nsec += 1'000'000'000, --time.tv_sec;
  if (time.tv_nsec >= 1'000'000'000) time.tv_nsec -= 1'000'000'000, ++time.tv_sec;
}

bool is_ack(const char* topic) {
  const std::size_t size = topic == nullptr ? 0 : std::strlen(topic);
  return size > 4 && std::strcmp(topic + size - 4, "/ack") == 0;
}

}  // namespace

extern "C" {

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  static auto* const next = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  if (control() != nullptr && fails(control()->write_error)) return -1;
  return next(fd, bytes, size, at);
}

int ftruncate64(int fd, off64_t size) noexcept {
  static auto* const next = real<int(int, off64_t)>("ftruncate64");
  // Only growth needs space, and SQLite only shrinks; a failing disk refuses that, too.
  if (control() != nullptr && control()->write_error == EIO && fails(control()->write_error)) {
    return -1;
  }
  return next(fd, size);
}

int fdatasync(int fd) {
  static auto* const next = real<int(int)>("fdatasync");
  if (control() == nullptr) return next(fd);
  pass(FailPoint::before_commit);
  if (const std::uint32_t delay = control()->sync_delay_ms) ::usleep(delay * 1000);
  if (fails(control()->sync_error)) return -1;
  const int answer = next(fd);
  pass(FailPoint::after_commit);
  return answer;
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const next = real<int(clockid_t, timespec*)>("clock_gettime");
  const int answer = next(clock, time);
  if (answer == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) step(*time);
  return answer;
}

int gettimeofday(timeval* time, void*) noexcept {
  timespec now{};
  const int answer = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return answer;
}

time_t time(time_t* where) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (where != nullptr) *where = now.tv_sec;
  return now.tv_sec;
}

// The kernel's clock did not step: a wait until some wall time is a wait for so long.
int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  using Wait = int(pthread_cond_t*, pthread_mutex_t*, const timespec*);
  static auto* const next = reinterpret_cast<Wait*>(real_wait());
  if (wall_step() == 0) return next(condition, mutex, until);
  timespec wall{}, steady{};
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_MONOTONIC, &steady);
  // Which clock the caller means is not to be seen; it means the one that its time is near.
  const bool means_wall =
      std::llabs(until->tv_sec - wall.tv_sec) < std::llabs(until->tv_sec - steady.tv_sec);
  timespec at = *until;
  if (means_wall) at.tv_sec -= static_cast<time_t>(wall_step() / kSecond);
  return next(condition, mutex, &at);
}

// Paho's two ways to publish.
int MQTTAsync_sendMessage(void* client, const char* topic, const void* message, void* options) {
  static auto* const next =
      real<int(void*, const char*, const void*, void*)>("MQTTAsync_sendMessage");
  pass(is_ack(topic) ? FailPoint::before_ack : FailPoint::before_publish);
  const int answer = next(client, topic, message, options);
  pass(is_ack(topic) ? FailPoint::after_ack : FailPoint::after_publish);
  return answer;
}

int MQTTAsync_send(void* client, const char* topic, int size, const void* bytes, int qos,
                   int retained, void* options) {
  static auto* const next =
      real<int(void*, const char*, int, const void*, int, int, void*)>("MQTTAsync_send");
  pass(is_ack(topic) ? FailPoint::before_ack : FailPoint::before_publish);
  const int answer = next(client, topic, size, bytes, qos, retained, options);
  pass(is_ack(topic) ? FailPoint::after_ack : FailPoint::after_publish);
  return answer;
}
}
