#include "base/err.h"

const char *err_name(int code)
{
    switch (code) {
#define X(name, value, words) \
    case value:               \
        return #name;
        DUET_ERR_LIST(X)
#undef X
    }
    return "DUET_E?";
}

const char *err_text(int code)
{
    switch (code) {
#define X(name, value, words) \
    case value:               \
        return words;
        DUET_ERR_LIST(X)
#undef X
    }
    return "unknown error";
}
