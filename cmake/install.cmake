# Installs libraries, headers, the CMake package (find_package(nerava_analytics)) and the pkg-config
# file (nerava_analytics, the C ABI).
include(CMakePackageConfigHelpers)

install(TARGETS nerava_analytics nerava_analytics_c EXPORT nerava_analytics
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime
    NAMELINK_COMPONENT development
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
if(TARGET nerava_analytics_redis)
  install(TARGETS nerava_analytics_redis EXPORT nerava_analytics
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nerava_analytics)
install(EXPORT nerava_analytics NAMESPACE nerava:: FILE nerava_analyticsTargets.cmake
  DESTINATION ${package_dir} COMPONENT development)
configure_package_config_file(cmake/nerava_analyticsConfig.cmake.in
  ${PROJECT_BINARY_DIR}/nerava_analyticsConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/nerava_analyticsConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/nerava_analyticsConfig.cmake
  ${PROJECT_BINARY_DIR}/nerava_analyticsConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT development)

configure_file(cmake/nerava_analytics.pc.in ${PROJECT_BINARY_DIR}/nerava_analytics.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/nerava_analytics.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
