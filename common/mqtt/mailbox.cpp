#include "common/mqtt/mailbox.h"

namespace spillway::mqtt {

void Mailbox::put(Report report) {
  threads::Lock lock(mutex_);
  if (!loop_) return;
  if (report.kind == Report::Kind::message) {
    const std::size_t size = report.topic.size() + report.payload.size();
    if (backlog_ + size > kMaxBacklog) {
      report = {.kind = Report::Kind::refused,
                .connection = report.connection,
                .error = fail(Code::busy, "messages arrive faster than they are handled: dropped")};
    } else {
      backlog_ += size;
    }
  }
  waiting_.push_back(std::move(report));
  // One call for a whole batch: the loop is woken only when it may be asleep.
  if (waiting_.size() == 1) loop_->post([self = shared_from_this()] { self->drain(); });
}

void Mailbox::drain() {
  door_.enter();
  std::vector<Report> batch;
  {
    threads::Lock lock(mutex_);
    batch.swap(waiting_);
  }
  for (Report& report : batch) {
    {
      threads::Lock lock(mutex_);
      if (!loop_) return;
      if (report.kind == Report::Kind::message) {
        backlog_ -= report.topic.size() + report.payload.size();
      }
    }
    deliver_(std::move(report));
  }
}

void Mailbox::close() {
  door_.enter();
  threads::Lock lock(mutex_);
  loop_ = nullptr;
  waiting_.clear();
}

}  // namespace spillway::mqtt
