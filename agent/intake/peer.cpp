#include "agent/intake/peer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace spillway::intake {
namespace {

Error unreadable(int error) {
  return fail(Code::io, std::string("cannot read a client's credentials: ") + std::strerror(error));
}

}  // namespace

Result<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return unreadable(errno);
  }
  Peer peer{credentials.pid, credentials.uid, {}};
  // Fails with ERANGE to say how much room the groups need.
  socklen_t bytes = 0;
  // Written to by QEMU's user emulation, which takes every option it does not know for a number.
  gid_t none = 0;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, &none, &bytes) != 0 && errno != ERANGE) {
    return unreadable(errno);
  }
  peer.groups.resize(bytes / sizeof(gid_t));
  if (bytes > 0 && getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &bytes) != 0) {
    return unreadable(errno);
  }
  peer.groups.push_back(credentials.gid);
  return peer;
}

bool may_speak(const Peer& peer, uid_t agent, gid_t socket_group) {
  return peer.uid == 0 || peer.uid == agent ||
         std::find(peer.groups.begin(), peer.groups.end(), socket_group) != peer.groups.end();
}

bool has_place(uid_t user, uid_t agent, std::size_t most, const std::vector<uid_t>& present) {
  const auto looks_after = [agent](uid_t one) { return one == 0 || one == agent; };
  if (present.size() >= most || looks_after(user)) return present.size() < most;
  const std::size_t for_others = most - most / 8;
  const auto of_others = std::size_t(
      std::count_if(present.begin(), present.end(), [&](uid_t one) { return !looks_after(one); }));
  const auto of_user = std::size_t(std::count(present.begin(), present.end(), user));
  return of_others < for_others && of_user < (for_others + 1) / 2;
}

}  // namespace spillway::intake
