// Asio's implementation, compiled once for everyone who links spillway_process.
#include <asio/impl/src.hpp>
