# `cmake --install`: headers, static libraries and heapledgerConfig.cmake. The wheel has no use for them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS heapledger_options heapledger_base heapledger_ledger heapledger_recording heapledger_analysis
                heapledger_report
        EXPORT heapledgerTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT sdk)
install(DIRECTORY include/heapledger DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sdk)
install(EXPORT heapledgerTargets NAMESPACE heapledger:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/heapledger COMPONENT sdk)
configure_package_config_file(cmake/heapledgerConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/heapledgerConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/heapledger)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/heapledgerConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/heapledgerConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/heapledgerConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/heapledger COMPONENT sdk)
