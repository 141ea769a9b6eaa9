#include "agent/node/node.h"

// What operators of the cloud bar this device from.
namespace spillway::agent {
namespace {

std::string refusal_of(wire::Standing standing) {
  const std::string who = "the cloud refuses this device: an operator has ";
  switch (standing) {
    case wire::Standing::welcome: break;  // it did not say
    case wire::Standing::quarantined: return who + "quarantined it";
    case wire::Standing::revoked: return who + "revoked it";
  }
  return who + "quarantined or revoked it";
}

}  // namespace

// Until it is asked again, the cloud is no place for anything. `why` is empty when it did not say.
void Node::note_barred(const std::string& why, Duration ask_again) {
  cloud_.refuses = why.empty() ? refusal_of(wire::Standing::welcome) : why;
  cloud_.refuses_until = now() + ask_again;
  const bool news = why.empty() ? cloud_.said_refusal.empty() : cloud_.said_refusal != why;
  if (!news) return;
  cloud_.said_refusal = cloud_.refuses;
  parts_.report(cloud_.refuses);
}

void Node::let_in() {
  forget_bar();
  if (!std::exchange(cloud_.said_refusal, "").empty()) {
    parts_.report("the cloud takes this device's tasks again");
  }
}

// Of a session that is over: the next one tells it again.
void Node::forget_bar() {
  cloud_.refuses.clear();
  cloud_.refuses_until = {};
}

// A hint. Who does not hear it learns the same from the answers to its offers.
void Node::on(const wire::StandingNotice& notice) {
  if (notice.standing == wire::Standing::welcome) {
    let_in();
  } else {
    note_barred(refusal_of(notice.standing), notice.ask_again);
    owner_.lose_leases(there_, cloud_.refuses, true);
  }
  parts_.wake();
}

}  // namespace spillway::agent
