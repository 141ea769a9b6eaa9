#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spillway/task.h"

// The words that the command line takes for the values of a task.
namespace spillway::cli {

template <class E>
struct Name {
  std::string_view word;
  E value;
};

inline constexpr Name<Prefer> kPrefers[] = {
    {"auto", Prefer::automatic}, {"local", Prefer::local}, {"cloud", Prefer::cloud}};
inline constexpr Name<DataScope> kScopes[] = {{"any", DataScope::any},
                                              {"edge-only", DataScope::edge_only}};
inline constexpr Name<Effects> kEffects[] = {
    {"pure", Effects::pure}, {"idempotent", Effects::idempotent}, {"once", Effects::once}};
inline constexpr Name<OnDisconnect> kOnDisconnect[] = {{"run-local", OnDisconnect::run_local},
                                                       {"wait", OnDisconnect::wait},
                                                       {"fail", OnDisconnect::fail}};
inline constexpr Name<Band> kBands[] = {{"urgent", Band::urgent}, {"high", Band::high},
                                        {"normal", Band::normal}, {"background", Band::background},
                                        {"0", Band::urgent},      {"1", Band::high},
                                        {"2", Band::normal},      {"3", Band::background}};
inline constexpr Name<TaskState> kStates[] = {
    {"waiting", TaskState::waiting},     {"ready", TaskState::ready},
    {"leased", TaskState::leased},       {"running", TaskState::running},
    {"succeeded", TaskState::succeeded}, {"failed", TaskState::failed},
    {"cancelled", TaskState::cancelled}, {"expired", TaskState::expired}};

template <class E, std::size_t N>
std::optional<E> value_of(const Name<E> (&names)[N], std::string_view word) {
  for (const Name<E>& name : names) {
    if (name.word == word) return name.value;
  }
  return std::nullopt;
}

template <class E, std::size_t N>
std::string_view word_of(const Name<E> (&names)[N], E value) {
  for (const Name<E>& name : names) {
    if (name.value == value) return name.word;
  }
  return "unknown";
}

template <class E, std::size_t N>
std::vector<std::string> words(const Name<E> (&names)[N]) {
  std::vector<std::string> all;
  for (const Name<E>& name : names) all.emplace_back(name.word);
  return all;
}

}  // namespace spillway::cli
