// Asio's implementation, compiled once for everyone who links spillway_runtime.
#include <asio/impl/src.hpp>
