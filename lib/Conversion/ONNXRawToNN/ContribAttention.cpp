#include "Node.h"

void qopt::addContribAttention(Handlers &) {}
