# qopt_dialect(DIALECT name FILE td NAMESPACE ns): the usual generated headers of a dialect, under target MLIR<name>IncGen.
function(qopt_dialect dialect namespace)
  set(LLVM_TARGET_DEFINITIONS ${dialect}Ops.td)
  mlir_tablegen(${dialect}Ops.h.inc -gen-op-decls)
  mlir_tablegen(${dialect}Ops.cpp.inc -gen-op-defs)
  mlir_tablegen(${dialect}Dialect.h.inc -gen-dialect-decls -dialect=${namespace})
  mlir_tablegen(${dialect}Dialect.cpp.inc -gen-dialect-defs -dialect=${namespace})
  mlir_tablegen(${dialect}Enums.h.inc -gen-enum-decls)
  mlir_tablegen(${dialect}Enums.cpp.inc -gen-enum-defs)
  mlir_tablegen(${dialect}Attributes.h.inc -gen-attrdef-decls -attrdefs-dialect=${namespace})
  mlir_tablegen(${dialect}Attributes.cpp.inc -gen-attrdef-defs -attrdefs-dialect=${namespace})
  add_public_tablegen_target(Qopt${dialect}IncGen)
endfunction()

# qopt_passes(room): Passes.h.inc from Passes.td of this folder, under target Qopt<room>PassIncGen.
function(qopt_passes room)
  set(LLVM_TARGET_DEFINITIONS Passes.td)
  mlir_tablegen(Passes.h.inc -gen-pass-decls -name Qopt${room})
  add_public_tablegen_target(Qopt${room}PassIncGen)
endfunction()

# qopt_interface(name): declarations and definitions of the op interfaces in name.td, under target Qopt<name>IncGen.
function(qopt_interface name)
  set(LLVM_TARGET_DEFINITIONS ${name}.td)
  mlir_tablegen(${name}.h.inc -gen-op-interface-decls)
  mlir_tablegen(${name}.cpp.inc -gen-op-interface-defs)
  add_public_tablegen_target(Qopt${name}IncGen)
endfunction()
