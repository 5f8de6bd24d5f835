#include "Node.h"

void qopt::addQuant(Handlers &) {}
