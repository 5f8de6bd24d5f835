#include "Node.h"

void qopt::addContrib(Handlers &) {}
