#include "lib/store/sqlite/sqlite_copies.h"

#include <dlfcn.h>
#include <link.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/base/thread_annotations.h"
#include "fmt/format.h"
#include "lib/base/mutex.h"

namespace nerava::analytics::sqlite {
namespace {

// The program, or a library that it has loaded.
struct Object {
  std::string path;  // empty: the program
  std::vector<std::string_view> segments;
  std::vector<std::string_view> constants;  // of those: the ones that are not written to

  bool Holds(const void* address) const {
    return std::any_of(segments.begin(), segments.end(), [&](std::string_view segment) {
      const auto* const byte = static_cast<const char*>(address);
      return !std::less<>()(byte, segment.data()) &&
             std::less<>()(byte, segment.data() + segment.size());
    });
  }

  std::string Name() const {
    if (!path.empty()) return path;
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? "the program" : program.string();
  }
};

// How many objects were ever loaded, and unloaded.
using Loads = std::pair<unsigned long long, unsigned long long>;

Loads CountLoads() {
  Loads loads;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* out) {
        *static_cast<Loads*>(out) = {info->dlpi_adds, info->dlpi_subs};
        return 1;
      },
      &loads);
  return loads;
}

std::vector<Object> LoadedObjects() {
  std::vector<Object> objects;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* out) {
        Object object;
        object.path = info->dlpi_name;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const ElfW(Phdr)& header = info->dlpi_phdr[i];
          if (header.p_type != PT_LOAD) continue;
          const auto* const begin = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
          object.segments.emplace_back(begin, header.p_memsz);
          if ((header.p_flags & (PF_R | PF_W)) == PF_R) {
            object.constants.emplace_back(begin, header.p_filesz);
          }
        }
        static_cast<std::vector<Object>*>(out)->push_back(std::move(object));
        return 0;
      },
      &objects);
  return objects;
}

bool MayHideCopy(const Object& object) {
  const auto contains = [&](const char* part) {
    return object.path.find(part) != object.path.npos;
  };
  return object.path.empty() || contains("sqlite") || contains("apsw") || contains("libpython");
}

// Whether `text` is among the constants, by Horspool's search. Not by a library's: AddressSanitizer
// would look into that, and complain of the gaps that it leaves between constants.
ABSL_ATTRIBUTE_NO_SANITIZE_ADDRESS bool Contains(std::string_view constants,
                                                 std::string_view text) {
  const std::size_t last = text.size() - 1;
  std::array<std::size_t, 256> skip;  // how far to go on, by the last byte
  skip.fill(text.size());
  for (std::size_t i = 0; i < last; ++i) skip[static_cast<unsigned char>(text[i])] = last - i;
  for (std::size_t end = last; end < constants.size();
       end += skip[static_cast<unsigned char>(constants.data()[end])]) {
    std::size_t same = 0;
    while (same < text.size() && constants.data()[end - last + same] == text[same]) ++same;
    if (same == text.size()) return true;
  }
  return false;
}

// Whether the object has SQLite in it. It stays loaded meanwhile.
bool HasSqlite(const Object& object) {
  void* const handle =
      dlopen(object.path.empty() ? nullptr : object.path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return false;  // unloaded, or the kernel's
  // dlsym looks into the libraries that an object needs, too.
  const void* const exported = dlsym(handle, "sqlite3_sourceid");
  bool found = exported != nullptr && object.Holds(exported);
  if (!found && MayHideCopy(object)) {
    // What every SQLite says to itself; in two parts, for it must not be found in this library.
    const std::string said = std::string("CREATE TABLE x(type text,name text,tbl_n")
                                 .append("ame text,rootpage int,sql text)");
    found = std::any_of(object.constants.begin(), object.constants.end(),
                        [&](std::string_view constants) { return Contains(constants, said); });
  }
  dlclose(handle);
  return found;
}

absl::Status LookForOtherCopies() {
  const std::vector<Object> objects = LoadedObjects();
  // It answers with a constant of its own.
  const auto ours = std::find_if(objects.begin(), objects.end(), [](const Object& object) {
    return object.Holds(sqlite3_sourceid());
  });
  if (ours == objects.end()) return absl::OkStatus();  // loaded in a way of which we know nothing
  for (auto other = objects.begin(); other != objects.end(); ++other) {
    if (other == ours || !HasSqlite(*other)) continue;
    return absl::FailedPreconditionError(fmt::format(
        "two copies of SQLite are loaded, {} and {}: each would undo the other's file locks, and "
        "commits would be lost. Load the system's libsqlite3 only; in Python use the sqlite3 "
        "module "
        "of an interpreter that links it, such as Debian's, and none that brings its own copy, "
        "such "
        "as pysqlite3-binary or apsw",
        ours->Name(), other->Name()));
  }
  return absl::OkStatus();
}

struct Cache {
  static Cache& Get() {
    static Cache& cache = *new Cache;
    return cache;
  }
  Mutex mutex;
  Loads loads ABSL_GUARDED_BY(mutex);
  absl::Status status ABSL_GUARDED_BY(mutex);
};
[[maybe_unused]] const Cache& made_at_start = Cache::Get();

}  // namespace

absl::Status CheckForOtherCopies() {
  Cache& cache = Cache::Get();
  const Loads loads = CountLoads();
  {
    MutexLock lock(cache.mutex);
    if (cache.loads == loads) return cache.status;
  }
  // Without the lock: dlopen has one of its own, under which constructors run that may open a store.
  absl::Status status = LookForOtherCopies();
  MutexLock lock(cache.mutex);
  cache.loads = loads;
  cache.status = status;
  return status;
}

}  // namespace nerava::analytics::sqlite
