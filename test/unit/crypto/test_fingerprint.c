#include "unit.h"

#include "crypto/fingerprint.h"

/* python3: base64.b32encode(hashlib.blake2b(bytes(range(32)), digest_size=20).digest()).lower() */
static const char spelt[] = "wgyt-hom7-kfxg-zawo-3kes-55np-kd5e-wttr";

static void count_up(uint8_t key[NOISE_KEY_BYTES])
{
    for (size_t i = 0; i < NOISE_KEY_BYTES; i++)
        key[i] = (uint8_t)i;
}

Test(fingerprint, is_base32_of_blake2b_in_groups_of_four)
{
    uint8_t key[NOISE_KEY_BYTES];
    char out[FINGERPRINT_BYTES];

    count_up(key);
    cr_expect_str_eq(fingerprint(key, out), spelt);
}

Test(fingerprint, is_read_however_it_is_grouped_if_it_is_whole)
{
    uint8_t key[NOISE_KEY_BYTES];
    uint8_t print[NOISE_PRINT_BYTES], parsed[NOISE_PRINT_BYTES];

    count_up(key);
    noise_print(print, key);
    cr_assert(fingerprint_parse(spelt, parsed));
    cr_expect_arr_eq(parsed, print, sizeof(print));
    cr_assert(fingerprint_parse("WGYT:hom7 kfxgzawo3kes55npkd5ewttr", parsed), "however it is grouped");
    cr_expect_arr_eq(parsed, print, sizeof(print));
    cr_expect_not(fingerprint_parse("wgyt-hom7-kfxg-zawo-3kes-55np-kd5e-wtt", parsed), "too short");
    cr_expect_not(fingerprint_parse("wgyt-hom7-kfxg-zawo-3kes-55np-kd5e-wttr-a", parsed), "too long");
    cr_expect_not(fingerprint_parse("wgyt-hom7-kfxg-zawo-3kes-55np-kd5e-wtt1", parsed), "no digit");
    cr_expect_not(fingerprint_parse("", parsed));
}
