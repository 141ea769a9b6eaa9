#pragma once

#include <memory>

#include "common/wire/messages.h"
#include "spillway/bytes.h"
#include "spillway/status.h"
#include "spillway/view.h"

// Encoding and decoding. Every decode verifies the buffer (identifier "SPW1", bounds, depth, known
// enum values, id and size limits) before reading it, and answers hostile bytes with Code::corrupt,
// never with a crash; a well-formed spec that breaks a limit of spillway::validate gets validate's
// error. Encoding is total: texts for people are cut to 4 KiB and estimates clamped to 366 days;
// any other value out of limits is refused by whoever decodes it. Equal specs encode to equal
// bytes. Fields that are not known are ignored. Any thread.
namespace spillway::wire {

Bytes encode(const TaskSpec& spec);
Result<TaskSpec> decode_spec(ByteView bytes);
// A large input stays where it is in `bytes`, which the spec keeps.
Result<TaskSpec> decode_spec_in_place(const std::shared_ptr<const Bytes>& bytes);

Bytes encode(const TaskResult& result);
Result<TaskResult> decode_result(ByteView bytes);

Bytes encode(const Explanation& explanation);
Result<Explanation> decode_explanation(ByteView bytes);

// `message` holds 1 to kMaxItems items. Decoding skips items of types not known here; nothing but
// those is Code::unsupported. The sum of its items' encoded_size_hint is never below a message's
// encoded size, so that a batcher can stay under kMaxMessage before encoding.
SharedBytes encode(const Message& message);
Result<Message> decode_message(ByteView bytes);
// The same, but a large spec or value stays where it is in `bytes`.
Result<Message> decode_message_in_place(const std::shared_ptr<const Bytes>& bytes);
std::size_t encoded_size_hint(const Item& item);
// Bytes of memory that an item takes while it waits.
std::size_t held_size(const Item& item);

Bytes encode(const Presence& presence);
Result<Presence> decode_presence(ByteView bytes);

}  // namespace spillway::wire
