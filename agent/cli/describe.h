#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/console.h"
#include "spillway/view.h"

// What people read: sentences and blocks of text about tasks, events and the node.
namespace spillway::cli {

Colour colour_of(TaskState state);
// "running in the cloud", "waiting for other tasks"; no colour, no time.
std::string state_text(const TaskView& task);
std::string place_text(std::string_view place);
// "error in the cloud at epoch 2: no such column"
std::string error_text(const TaskError& error);

void print_tasks(const Console& console, const std::vector<TaskView>& tasks);
void print_task(const Console& console, const TaskView& task);
void print_why(const Console& console, const WhyReport& report);
void print_event(const Console& console, const EventView& event);
void print_places(const Console& console, const std::vector<PlaceView>& places);
void print_losses(const Console& console, const std::vector<LossView>& losses);
void print_node(const Console& console, const NodeView& node);

}  // namespace spillway::cli
