// RUN: qopt-opt %s --qopt-equalization=sweeps=0 --verify-diagnostics

// expected-error @+1 {{qopt-equalization: sweeps is 0; it must be at least 1}}
module {
}
