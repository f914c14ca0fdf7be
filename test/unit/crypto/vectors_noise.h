/*
 * The published test vector of Noise_XXpsk3_25519_ChaChaPoly_SHA512, values
 * only, from the cacophony vector collection (haskell-cryptography/cacophony,
 * vectors/cacophony.txt, in the format of the Noise wiki's "Test Vectors").
 * Messages 0..2 are the handshake, 3..5 transport messages, responder first.
 */
#ifndef DUET_TEST_VECTORS_NOISE_H
#define DUET_TEST_VECTORS_NOISE_H

#define VECTOR_PROLOGUE "4a6f686e2047616c74"
#define VECTOR_PSK "54686973206973206d7920417573747269616e20706572737065637469766521"
#define VECTOR_INIT_STATIC "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1"
#define VECTOR_INIT_EPHEMERAL "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"
#define VECTOR_RESP_STATIC "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"
#define VECTOR_RESP_EPHEMERAL "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"
#define VECTOR_HANDSHAKE_HASH                                          \
    "7c3c9f1c6bf6df12019313e7e5ed88a9fd9fbd3bf9b9a3f41989446da5226a12" \
    "8b5e91171ec81074de864386ac70fa712f216a96e64862ad992e766b038cb8cf"

static const struct {
    const char *payload;
    const char *ciphertext;
} vector_messages[] = {
    {"4c756477696720766f6e204d69736573", "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
                                         "634d3d6eb7eb4f1d66fb1c92cb371889048a7a4307def12417b49d58fd070ecd"},
    {"4d757272617920526f746862617264", "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
                                       "d5a5a3aa181cbf0410add27aa6604ad56aedc4ffd73d2cca8d98300a17a21efe"
                                       "9cafb1166e854bbb3f1fef6bfb183d37940f87b581a7065c58543d001575ef79"
                                       "bb1b8c1b646d068fa4519568a0a507"},
    {"462e20412e20486179656b", "27c8ea0ffea3c27d7553e0ef8d6ea8c55ef33327b36043dd2e9bbf13f0472b6b"
                               "b10cd95b5ef4ad4606eff0ccc25a6f87bc92c403eeda28f6bba95c86d2b9c5e7"
                               "083a94b9ad3c743b26d124"},
    {"4361726c204d656e676572", "f63969a0b8d38b5a066ddf598e87d4ad59fb01e32c0e1faeee3f8d"},
    {"4a65616e2d426170746973746520536179", "b9e0a25348481baa0c7325a0bdbd0dc93612e352c2e79307a9aac47120d8c362"
                                           "77"},
    {"457567656e2042f6686d20766f6e2042617765726b", "32dd9c9bc3276c1e3eafaf4bd6bd1dcb75992d776ce5b731c3b3a0342c6f8832"
                                                   "2301fd5fbb"},
};

#endif
