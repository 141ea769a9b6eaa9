#include "cloud/api/stream_hub.h"

#include <boost/json.hpp>

namespace spillway::cloud::api {
namespace {

constexpr std::uint32_t kSnapshotEvents = 50, kSnapshotAlerts = 200, kSnapshotTasks = 100;

http::EventQueue::Frame frame_of(const std::string& id, std::string_view event,
                                 const json::value& data) {
  return std::make_shared<const std::string>("id: " + id + "\nevent: " + std::string(event) +
                                             "\ndata: " + json::serialize(data) + "\n\n");
}

}  // namespace

std::string StreamHub::id_text(std::uint64_t id) const {
  return std::to_string(start_) + "-" + std::to_string(id);
}

Result<std::shared_ptr<http::EventQueue>> StreamHub::open(const access::Principal& who,
                                                          const std::string& position) {
  std::erase_if(streams_, over);
  if (streams_.size() >= kMaxStreams) {
    Error full = fail(Code::busy, "there are 2000 event streams; close some");
    full.retry_after = std::chrono::seconds(30);
    return full;
  }
  auto queue = std::make_shared<http::EventQueue>();
  Stream stream{queue, who};
  stream.live = !position.empty() && resume(*queue, position);
  if (!stream.live && !position.empty()) resync(stream, "position");
  if (!stream.live) ask_for_snapshot();
  streams_.push_back(std::move(stream));
  return queue;
}

bool StreamHub::over(const Stream& stream) {
  auto queue = stream.queue.lock();
  return !queue || queue->closed();
}

bool StreamHub::resume(http::EventQueue& queue, const std::string& position) {
  std::size_t known = kept_.size();
  if (position == id_text(last_)) known = 0;
  for (std::size_t i = 0; i < kept_.size() && known != 0; ++i) {
    if (id_text(kept_[i].id) == position) known = kept_.size() - 1 - i;
  }
  // The oldest kept is as good as forgotten: nobody can say what came before it.
  if (known == kept_.size() && position != id_text(last_)) return false;
  if (known > http::EventQueue::kMaxFrames) return false;
  for (std::size_t i = kept_.size() - known; i < kept_.size(); ++i) queue.push(kept_[i].frame);
  return true;
}

void StreamHub::publish(const FleetChange& change, Duration now) {
  last_ = change.id;
  http::EventQueue::Frame frame = frame_of(id_text(change.id), "delta", json_of(change));
  kept_.push_back({change.id, frame});
  kept_bytes_ += frame->size();
  while (kept_.size() > kKeptFrames || (kept_bytes_ > kKeptBytes && kept_.size() > 1)) {
    kept_bytes_ -= kept_.front().frame->size();
    kept_.pop_front();
  }
  sweep(now);
  for (Stream& stream : streams_) {
    auto queue = stream.live ? stream.queue.lock() : nullptr;
    if (!queue) continue;
    queue->push(frame);
    if (queue->take_behind()) resync(stream, "slow");
  }
}

void StreamHub::sweep(Duration now) {
  end([now](const access::Principal& who) { return who.expires && *who.expires <= now; });
  std::erase_if(streams_, over);
}

void StreamHub::resync(Stream& stream, std::string_view reason) {
  stream.live = false;
  auto queue = stream.queue.lock();
  if (!queue) return;
  queue->push(frame_of(id_text(last_), "resync", json::object{{"reason", reason}}));
  ask_for_snapshot();
}

void StreamHub::ask_for_snapshot() {
  // One answer serves all who wait for it.
  if (std::exchange(asked_, true)) return;
  bridge_.run([this](Fleet& fleet, const LoopBridge::Back& back) {
    AlertFilter firing;
    firing.firing = true;
    firing.limit = kSnapshotAlerts;
    TaskQuery newest;
    newest.limit = kSnapshotTasks;
    auto summary = fleet.summary();
    auto alerts = fleet.alerts(firing);
    auto tasks = fleet.tasks(newest).tasks;
    EventQuery last;
    last.limit = kSnapshotEvents;
    fleet.events(last, [=, this](const Result<std::vector<FleetEvent>>& events) {
      back([=, this, events = events ? *events : std::vector<FleetEvent>()] {
        on_snapshot(json::object{{"summary", json_of(summary)},
                                 {"events", json_list(events)},
                                 {"alerts", json_list(alerts)},
                                 {"tasks", json_list(tasks)}});
      });
    });
  });
}

void StreamHub::on_snapshot(const json::value& snapshot) {
  asked_ = false;
  http::EventQueue::Frame frame = frame_of(id_text(last_), "snapshot", snapshot);
  for (Stream& stream : streams_) {
    if (stream.live) continue;
    stream.live = true;
    if (auto queue = stream.queue.lock()) queue->push(frame);
  }
}

void StreamHub::end(const std::function<bool(const access::Principal&)>& whose) {
  for (Stream& stream : streams_) {
    auto queue = whose(stream.who) ? stream.queue.lock() : nullptr;
    if (queue) queue->close();
  }
}

void StreamHub::end_token(const std::string& token) {
  end([&](const access::Principal& who) { return who.token == token; });
}

void StreamHub::end_session(const Digest& session) {
  end([&](const access::Principal& who) { return who.session == session; });
}

}  // namespace spillway::cloud::api
