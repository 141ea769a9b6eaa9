#pragma once

#include "common/wire/codec.h"
#include "spillway/status.h"

// What must hold of whatever a decoder made of hostile bytes; what does not ends the program.
namespace spillway::fuzz {

void must(bool holds, const char* what);
// A message for people: of bounded length.
void must_read_well(const Error& error);

// What was decoded can be encoded, and then decoded again.
template <class T>
void decode_again(const Result<T>& decoded, Result<T> (*decode)(ByteView)) {
  if (!decoded) return must_read_well(decoded.error());
  const Result<T> again = decode(wire::encode(*decoded));
  must(again.ok(), "what was decoded can be encoded and decoded again");
}

// The targets by where the bytes come from; see targets.cpp.
void spec(ByteView bytes);
void result(ByteView bytes);
void explanation(ByteView bytes);
void message(ByteView bytes);
void presence(ByteView bytes);
void request(ByteView bytes);
void answer(ByteView bytes);
void telemetry(ByteView bytes);
void topic(ByteView bytes);
void frames(ByteView bytes);
void packets(ByteView bytes);

void csv(ByteView bytes);
void args(ByteView bytes);
void agent_config(ByteView bytes);
void cloud_config(ByteView bytes);
void names(ByteView bytes);
void shown(ByteView bytes);

void http(ByteView bytes);
void http_call(ByteView bytes);
void http_text(ByteView bytes);
void events(ByteView bytes);

void packed(ByteView bytes);
void saved(ByteView bytes);
void update(ByteView bytes);
void plugin(ByteView bytes);
void program(ByteView bytes);

}  // namespace spillway::fuzz
