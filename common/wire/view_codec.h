#pragma once

#include "common/wire/buffer.h"
#include "common/wire/reader.h"
#include "spillway/view.h"

namespace spillway::wire {

namespace fb {
struct Explanation;
struct EventView;
struct TaskView;
struct WhyReport;
struct NodeView;
}  // namespace fb

Offset<fb::Explanation> write_view(Builder& fbb, const Explanation& explanation);
Offset<fb::EventView> write_view(Builder& fbb, const EventView& event);
Offset<fb::TaskView> write_view(Builder& fbb, const TaskView& task);
Offset<fb::WhyReport> write_view(Builder& fbb, const WhyReport& report);
Offset<fb::NodeView> write_view(Builder& fbb, const NodeView& node);

Explanation read_view(Reader& reader, const fb::Explanation& raw);
EventView read_view(Reader& reader, const fb::EventView& raw);
TaskView read_view(Reader& reader, const fb::TaskView& raw);
WhyReport read_view(Reader& reader, const fb::WhyReport& raw);
NodeView read_view(Reader& reader, const fb::NodeView& raw);

}  // namespace spillway::wire
