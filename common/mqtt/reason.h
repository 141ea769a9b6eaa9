#pragma once

// Reason codes of MQTT 5 that are acted upon (OASIS, "MQTT Version 5.0", 2.4).
namespace spillway::mqtt::reason {

inline constexpr int kNotAuthorised = 0x87, kBanned = 0x8A, kServerShuttingDown = 0x8B,
                     kKeepAliveTimeout = 0x8D, kSessionTakenOver = 0x8E,
                     kReceiveMaximumExceeded = 0x93, kPacketTooLarge = 0x95, kQuotaExceeded = 0x97,
                     kAdministrativeAction = 0x98, kUseAnotherServer = 0x9C, kServerMoved = 0x9D,
                     kConnectionRateExceeded = 0x9F;

}  // namespace spillway::mqtt::reason
