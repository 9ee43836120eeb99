// What the example server is compared with: cpp-httplib, a thread for each connection.
#include <httplib.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc != 2) return std::puts("usage: httplib_server PORT"), 2;
  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(64); };
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000);
  server.Get("/livez", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("{\"status\":\"alive\"}", "application/json");
  });
  return server.listen("127.0.0.1", std::atoi(argv[1])) ? 0 : 1;
}
