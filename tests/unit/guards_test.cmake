# Nothing of the library is initialized at its first use: a child that is forked while another thread
# initializes it would wait for that for ever. What is named here is used at the program's start.
execute_process(COMMAND ${NM} -C ${LIBRARY} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "guard variable for [^\n]*" guards "${symbols}")
list(REMOVE_DUPLICATES guards)
set(allowed
  "Get\\(\\)::clock$" "OpenLock::Get\\(\\)::lock$" "EventType::EventType\\(.*\\)::known$"
  "ForkRegistry::Get\\(\\)::registry$" "OutOfMemory\\(\\)::status$" "out_of_memory_made_at_start$"
  "Cache::Get\\(\\)::cache$" "InheritedFiles::Get\\(\\)::files$" "kEventTypeOf<[^>]*>$"
  "capi::\\(anonymous namespace\\)::All\\(\\)::registry$"
  "capi::\\(anonymous namespace\\)::Intern\\(.*\\)::(mutex|strings)$"
  "MakeUuidV7.*::generator$" "ThisThreads\\(\\)::error$")  # these two are a thread's own
set(found 0)
foreach(guard IN LISTS guards)
  set(known FALSE)
  foreach(pattern IN LISTS allowed)
    if(guard MATCHES "${pattern}")
      set(known TRUE)
      math(EXPR found "${found} + 1")
    endif()
  endforeach()
  if(NOT known)
    message(SEND_ERROR "${guard}: initialize it when the program starts")
  endif()
endforeach()
if(found LESS 5)
  message(SEND_ERROR "only ${found} of the guards that must be there were found in ${LIBRARY}")
endif()
