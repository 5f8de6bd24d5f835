#include "RuntimeArchive.h"

__asm__(".pushsection .rodata, \"a\", @progbits\n"
        ".balign 64\n"
        ".hidden qopt_runtime_archive_begin\n"
        ".globl qopt_runtime_archive_begin\n"
        "qopt_runtime_archive_begin:\n"
        ".incbin \"" QOPT_RUNTIME_ARCHIVE "\"\n"
        ".hidden qopt_runtime_archive_end\n"
        ".globl qopt_runtime_archive_end\n"
        "qopt_runtime_archive_end:\n"
        ".popsection\n");

extern "C" const char qopt_runtime_archive_begin[], qopt_runtime_archive_end[];

namespace qopt {

llvm::StringRef runtimeArchive() {
  return {qopt_runtime_archive_begin, size_t(qopt_runtime_archive_end - qopt_runtime_archive_begin)};
}

} // namespace qopt
