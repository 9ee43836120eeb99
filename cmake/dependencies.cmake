# What the core needs, each from Debian's packages; docs/architecture.md says why each is there.
find_package(Threads REQUIRED)
find_package(SQLite3 3.40 REQUIRED)      # libsqlite3-dev
find_package(fmt 9 REQUIRED)             # libfmt-dev
find_package(absl REQUIRED)              # libabsl-dev
find_package(nlohmann_json 3.11 REQUIRED)  # nlohmann-json3-dev
find_package(roaring REQUIRED)             # libroaring-dev
# These two bring no CMake package.
find_library(ISAL_LIBRARY isal REQUIRED)      # libisal-dev
find_library(SODIUM_LIBRARY sodium REQUIRED)  # libsodium-dev
