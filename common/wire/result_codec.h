#pragma once

#include "common/wire/buffer.h"
#include "common/wire/reader.h"
#include "spillway/task.h"

namespace spillway::wire {

namespace fb {
struct TaskResult;
}

Offset<fb::TaskResult> write_result(Builder& fbb, const TaskResult& result);
TaskResult read_result(Reader& reader, const fb::TaskResult& result);

}  // namespace spillway::wire
