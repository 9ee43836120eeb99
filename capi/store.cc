#include "nerava/analytics/store.h"

#include "capi/handles.h"
#include "capi/options.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace

nva_status nva_store_open(nva_string url, const nva_store_options* options, nva_store** out) {
  return Guarded([&] {
    nva_store*& handle = Out(out);
    handle =
        new nva_store{Value(nerava::analytics::OpenStore(View(url, "url"), FromStruct(options)))};
  });
}

void nva_store_free(nva_store* store) { delete store; }
