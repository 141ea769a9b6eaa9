// Asio's TLS, compiled once, as asio.cpp of the process room does for the rest.
#include <asio/ssl/impl/src.hpp>
