#pragma once

#include <sys/types.h>

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

}  // namespace spillway::intake
