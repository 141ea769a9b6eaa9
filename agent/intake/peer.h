#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "spillway/status.h"

namespace spillway::intake {

// Who is at the other end of a Unix socket, as the kernel recorded it when they connected.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  std::vector<gid_t> groups;
};

Result<Peer> peer_of(int socket);

// Root, the agent's own user, and members of the socket file's group may speak to the agent.
bool may_speak(const Peer& peer, uid_t agent, gid_t socket_group);

// Whether one more client of `user` gets one of `most` places, beside those of `present`. An eighth
// is kept for root and the agent's own user, who look after the device; of the rest nobody gets
// more than half.
bool has_place(uid_t user, uid_t agent, std::size_t most, const std::vector<uid_t>& present);

}  // namespace spillway::intake
