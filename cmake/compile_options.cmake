# Warnings and sanitizers, private to our own targets: users are never forced into them.
function(nerava_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Wextra-semi>
    $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wthread-safety>
    # GCC 12 sees overlaps in std::string that are none (gcc.gnu.org/PR105651).
    $<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
    $<$<BOOL:${NERAVA_WARNINGS_AS_ERRORS}>:-Werror>)
endfunction()

if(NERAVA_SANITIZE)
  add_compile_options(-fsanitize=${NERAVA_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${NERAVA_SANITIZE})
endif()
