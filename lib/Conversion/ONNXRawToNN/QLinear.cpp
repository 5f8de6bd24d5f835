#include "Node.h"

void qopt::addQLinear(Handlers &) {}
