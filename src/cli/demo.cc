// `heapledger demo`: the example service that comes with the package, under load, then its report.
#include <cstdlib>

#include "cli/command.h"
#include "cli/package.h"
#include "cli/verb.h"

namespace heapledger::cli {

void add_demo(CLI::App& app, int&) {
  CLI::App* verb = app.add_subcommand("demo", "record the example service under load and show the report");
  verb->prefix_command();
  verb->set_help_flag();  // its own flags, --help too, are answered by the demo itself
  verb->callback([verb] {
    std::vector<std::string> command{python_beside(), "-m", "heapledger._demo"};
    for (const std::string& argument : verb->remaining()) command.push_back(argument);
    check_command(command);
    throw_not_started(command, become(command, {}));
  });
}

}  // namespace heapledger::cli
