#pragma once

#include "common/wire/buffer.h"
#include "common/wire/reader.h"
#include "spillway/task.h"

namespace spillway::wire {

namespace fb {
struct TaskSpec;
}

Offset<fb::TaskSpec> write_spec(Builder& fbb, const TaskSpec& spec);
// Structure only: limits are spillway::validate's.
TaskSpec read_spec(Reader& reader, const fb::TaskSpec& spec);

}  // namespace spillway::wire
