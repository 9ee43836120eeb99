/* The header needs nothing but itself, in C99 and (compiled as such) in C++. */
#include "nerava_analytics.h"

nva_string header_alone(void);
nva_string header_alone(void) { return nva_str("enough"); }
