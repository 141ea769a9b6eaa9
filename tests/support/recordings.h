#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace spillway::support {

enum class Dialect : std::uint8_t { comma, semicolon };

// A made-up recording of a pump, one row a second: time stamp, vibration, current, pressure,
// temperature, flow and the labels anomaly and changepoint, as CSV. Channels carry slow trends,
// periodic components and noise; in the last 60 % of the rows three labelled anomalies disturb
// some of them, each over about a twelfth of the rows. The same arguments give the same bytes
// everywhere, another seed another recording. About 70 bytes a row.
std::string generate_recording(std::uint64_t seed, std::size_t rows, Dialect dialect);

}  // namespace spillway::support
