#pragma once

#include <functional>
#include <memory>

#include "common/wire/api.h"

namespace spillway::intake {

// What a node answers, in process or over the socket: the one door to it. On the node's loop only.
class Api {
 public:
  using Reply = std::function<void(wire::AnswerBody)>;
  // Keeps a request alive; dropping it ends the wait or the stream, and `reply` is not called
  // again.
  using Ticket = std::shared_ptr<void>;

  virtual ~Api() = default;
  // `reply` is called on the loop, maybe before this returns: once, or for an EventsRequest with
  // each event. Null ticket: already answered. Errors are answers (wire's Error), too.
  virtual Ticket handle(wire::RequestBody request, Reply reply) = 0;
};

}  // namespace spillway::intake
