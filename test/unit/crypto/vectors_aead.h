/*
 * Published answers of the two suites: the GCM specification, NIST's CAVP, RFC 8439, RFC 9001 and, for the edges
 * of arithmetic and of block counts, Project Wycheproof (its test numbers).  sealed: ciphertext and tag.
 */
#ifndef DUET_TEST_VECTORS_AEAD_H
#define DUET_TEST_VECTORS_AEAD_H

#include "crypto/aead.h"

/* No text or associated data of a row is longer. */
#define AEAD_ROW_BYTES 512

static const struct aead_row {
    const char *what;
    enum params_suite suite;
    const char *key, *iv;
    uint64_t number;
    const char *ad, *text, *sealed;
} aead_rows[] = {
    {"GCM specification, test case 1", SUITE_AES128GCM, "00000000000000000000000000000000", "000000000000000000000000",
     0, "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {"GCM specification, test case 2", SUITE_AES128GCM, "00000000000000000000000000000000", "000000000000000000000000",
     0, "", "00000000000000000000000000000000",
     "0388dace60b6a392f328c2b971b2fe78"
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {"GCM specification, test case 4", SUITE_AES128GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     0, "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"RFC 9001 A.3, number 1", SUITE_AES128GCM, "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", 1,
     "c1000000010008f067a5502a4262b50040750001",
     "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739"
     "88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94"
     "0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00"
     "020304",
     "5a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f"
     "5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73"
     "cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850"
     "abbdca3d20398c276456cbc42158407dd074ee"},
    {"RFC 8439 2.8.2", SUITE_CHACHA20POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", 0, "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
     "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
     "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
     "637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
     "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
     "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b6116"
     "1ae10b594f09e26a7e902ecbd0600691"},
    {"RFC 9001 A.5, number 654360564", SUITE_CHACHA20POLY1305,
     "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8", "e0459b3474bdd0e44a41c144", 654360564,
     "4200bff4", "01", "655e5cd55c41f69080575d7999c25a5bfb"},
    {"NIST CAVP gcmEncryptExtIV128, no text", SUITE_AES128GCM, "11754cd72aec309bf52f7687212e8957",
     "3c819d9a9bed087615030b65", 0, "", "", "250327c674aaf477aef2675748cf6971"},
    {"NIST CAVP gcmEncryptExtIV128, no text", SUITE_AES128GCM, "ca47248ac0b6f8372a97ac43508308ed",
     "ffd2b598feabc9019262d2be", 0, "", "", "60d20404af527d248d893ae495707d1a"},
    {"NIST CAVP gcmEncryptExtIV128, ad only", SUITE_AES128GCM, "77be63708971c4e240d1cb79e8d77feb",
     "e0e00f19fed7ba0136a797f3", 0, "7a43ec1d9c0a5a78a0b16533a6213cab", "", "209fcc8d3675ed938e9c7166709dd946"},
    {"NIST CAVP gcmEncryptExtIV128, ad only", SUITE_AES128GCM, "7680c5d3ca6154758e510f4d25b98820",
     "f8f105f9c3df4965780321f8", 0, "c94c410194c765e3dcc7964379758ed3", "", "94dca8edfcf90bb74b153c8d48a17930"},
    {"NIST CAVP gcmEncryptExtIV128, a block", SUITE_AES128GCM, "7fddb57453c241d03efbed3ac44e371c",
     "ee283a3fc75575e33efd4887", 0, "", "d5de42b461646c255c87bd2962d3b9a2",
     "2ccda4a5415cb91e135c2a0f78c9b2fdb36d1df9b9d5e596f83e8b7f52971cb3"},
    {"NIST CAVP gcmEncryptExtIV128, a block", SUITE_AES128GCM, "ab72c77b97cb5fe9a382d9fe81ffdbed",
     "54cc7dc2c37ec006bcc6d1da", 0, "", "007c5e5b3e59df24a7c355584fc1518d",
     "0e1bde206a07a9c2c1b65300f8c649972b4401346697138c7a4891ee59867d0c"},
    {"NIST CAVP gcmEncryptExtIV128, 51 bytes, ad 20", SUITE_AES128GCM, "fe47fcce5fc32665d2ae399e4eec72ba",
     "5adb9609dbaeb58cbd6e7275", 0, "88319d6e1d3ffa5f987199166c8a9b56c2aeba5a",
     "7c0e88c88899a779228465074797cd4c2e1498d259b54390b85e3eef1c02df60e743f1b840382c4bccaf3bafb4ca8429"
     "bea063",
     "98f4826f05a265e6dd2be82db241c0fbbbf9ffb1c173aa83964b7cf5393043736365253ddbc5db8778371495da76d269"
     "e5db3e291ef1982e4defedaa2249f898556b47"},
    {"NIST CAVP gcmEncryptExtIV128, 51 bytes, ad 90", SUITE_AES128GCM, "2c1f21cf0f6fb3661943155c3e3d8492",
     "23cb5ff362e22426984d1907", 0,
     "5d3624879d35e46849953e45a32a624d6a6c536ed9857c613b572b0333e701557a713e3f010ecdf9a6bd6c9e3e44b065"
     "208645aff4aabee611b391528514170084ccf587177f4488f33cfb5e979e42b6e1cfc0a60238982a7aec",
     "42f758836986954db44bf37c6ef5e4ac0adaf38f27252a1b82d02ea949c8a1a2dbc0d68b5615ba7c1220ff6510e259f0"
     "6655d8",
     "81824f0e0d523db30d3da369fdc0d60894c7a0a20646dd015073ad2732bd989b14a222b6ad57af43e1895df9dca2a534"
     "4a62cc57a3ee28136e94c74838997ae9823f3a"},
    {"NIST CAVP gcmEncryptExtIV128, 13 bytes", SUITE_AES128GCM, "fe9bb47deb3a61e423c2231841cfd1fb",
     "4d328eb776f500a2f7fb47aa", 0, "", "f1cc3818e421876bb6b8bbd6c9",
     "b88c5c1977b35b517b0aeae96743fd4727fe5cdb4b5b42818dea7ef8c9"},
    {"NIST CAVP gcmEncryptExtIV128, 13 bytes", SUITE_AES128GCM, "6703df3701a7f54911ca72e24dca046a",
     "12823ab601c350ea4bc2488c", 0, "", "793cd125b0b84a043e3ac67717",
     "b2051c80014f42f08735a7b0cd38e6bcd29962e5f2c13626b85a877101"},
    {"Wycheproof aes_gcm 3, ad of 8", SUITE_AES128GCM, "aa023d0478dcb2b2312498293d9a9129", "0432bc49ac34412081288127",
     0, "aac39231129872a2", "2035af313d1346ab00154fea78322105",
     "eea945f3d0f98cc0fbab472a0cf24e874bb9b4812519dadf9e1232016d068133"},
    {"Wycheproof aes_gcm 5, a byte", SUITE_AES128GCM, "384ea416ac3c2f51a76e7d8226346d4e", "b30c084727ad1c592ac21d12", 0,
     "", "35", "547c1e4ae88bb27e5638343cb9fd3f6337"},
    {"Wycheproof aes_gcm 7, 15 bytes", SUITE_AES128GCM, "dd6197cd63c963919cf0c273ef6b28bf", "ecb0c42f7000ef0e6f95f24d",
     0, "", "4dcc1485365866e25ac3f2ca6aba97", "8a9992388e735f80ee18f4a63c10ad1486a91cccf92c9a5b00f7b0e034891c"},
    {"Wycheproof aes_gcm 9, 17 bytes", SUITE_AES128GCM, "c15ed227dd2e237ecd087eaaaad19ea4", "965ff6643116ac1443a2dec7",
     0, "", "fee62fde973fe025ad6b322dcdf3c63fc7", "0de51fe4f7f2d1f0f917569f5c6d1b009c6cd8521422c0177e83ef1b7a845d97db"},
    {"Wycheproof aes_gcm 15, 63 bytes", SUITE_AES128GCM, "bb571c160132b0c8d5d190d0bc356ddc", "2596c440cf0232950ec66bc4",
     0, "",
     "053be1b6190a717fc74c879e6fd62dc44628495507e50d662271dee795a4ad26e0c4f86cb6b20ac6bd9d682d2d8a05c9"
     "dad875a6911b49ea0af4f17c97a5f2",
     "b1cfad142a462f3656e0921627fd41d4f1fa8e2f8bd94bb51fdcf06f606296f7d2885337bed7a4ca6ddb4a9fc7fdb247"
     "6b5f7fa5220e1d6752a5e7c31c916ca231b617352ffdb63d32d69d99e7d629"},
    {"Wycheproof aes_gcm 17, 65 bytes", SUITE_AES128GCM, "97ec85a69a05131cd4ff643972f6d8f9", "9189e0eedcc413a0ba1e63d2",
     0, "",
     "10acefa6f3959faecb5cfdaee8aaf09d4381b2b147e0b13450c26ee07f29edaa9a1f1af4e2d111dea7ff681a19fc3a4f"
     "d66df6a17985b06543a3b6c0e4e51a54b7",
     "eefdf89997244e065ff19ac2374dc92ee76899ddcbe7c834dcc657242fc0f6dd38272373ba9b549316a36f1522e1cab2"
     "46157875898c966eec563d57eca5c7d32d23aaa2c6b680fcaaeb2c7a55726d4bc0"},
    {"Wycheproof aes_gcm 20, 129 bytes", SUITE_AES128GCM, "62b3881832d428b6f900cacfa0fc5cd8",
     "f4cb98cc99e7bc424a98384e", 0, "",
     "0b91dd36a6fa967a257b267d12cbc20b56ed615b205d044a04b4ae8aaa365bd29a3b8f47a0828ef63324d1ff924c6809"
     "0abaaad78df602edee0621b823f94c35ada7b62d81f21dd9945d1abb4ef882cfab12c2e4cec705df3d669183fe681753"
     "503a99a871637953537ef479b1f62de7819dbb5c950de7722090942d38129aefa7",
     "00574615883e222657bdf34e9327888f5d532d086581834c62adf54c7fee46927ca27cba193d86c6140b3610a2cd16ba"
     "295814b5b7d6a1c8d3f039e0e8f8d7942b0616a9b9f0012884311b0c370f9dd6b9a3d8b6ff36177683c0dd858850dd29"
     "993b3eec89a2ab8068038e2c86a2e71b5cacdb38ad69ac0580e29a6f7813c1725888b99f768364ff9e95a94ccbbc1b16"
     "6e"},
    {"Wycheproof aes_gcm 23, 257 bytes", SUITE_AES128GCM, "a294e70fa2ac10a1fb00c588b888b673",
     "dfe20d1c4350e6235d987af1", 0, "",
     "6ed1d7d618d158741f52078006f28494ba72a2454f27160ae8722793fcebc538ebc2f67c3ace3e0fe7c47b9e74e08118"
     "2b47c930144e3fc80d0ad50611c3afcfe2dbc5279edbbba087c0e390355f3daffcd25ad4dea007c284ad92e7fcbecb43"
     "8fb60623ff89a599dca2aac141b26651386ca55b739b94901ef6db609c344d8acf4544568e31bb09361112754b1c0c6a"
     "3c875bd9453b0ee0081412151398a294ecad75add521611db5288b60ac3c0128f6e94366b69e659e6aa66f058a3a3571"
     "064edbb0f05c11e5dde938fb46c3935dd5193a4e5664688f0ae67c29b7cc49a7963140f82e311a20c98cd34fbcab7b4b"
     "515ae86557e62099e3fc37b9595c85a75c",
     "5bc6dbafc401101c7a08c81d6c2791aa147ce093aad172be18379c747384a54a41a747ba955cade8fdfb8967aa808b43"
     "fee3d757cc80f11163b800e5e59df932757f76c40b3d9cba449aaf11e4f80e003b1f384eafa4f76e81b13c09ec1ad88e"
     "7650c750d442fe46d225a373e8a1b564b4915a5c6c513cfdfa22d929d5741ca5ebefaedcba636c7c3bbef18863fdc126"
     "b4b451611049c35d814fc2eb7e4b8f1a8995ecb4a3c86652a068c0b2a3e1c5941d59c210b458d5d5d3b06420ec205346"
     "5ccceca7c20f67404985460379e2ee806a46e8409dfab2e0dd67ea3cf46d5ad4eb78756827358c3ef1fdbd07c33834f3"
     "d9eca3ff13b744a01059a6c17a315a8fd4c7587e7da41bed682c37377ea4324029"},
    {"Wycheproof aes_gcm 27, ad of 63", SUITE_AES128GCM, "5a475f9976ed117ab37a4fffab0592eb", "6bce45bea6ad59bd2a08f7b3",
     0,
     "e8bb51b694b6b0763e097bad1152f5c762a878a3e7f7a9d78e809838de78567900281b7e4f0f185493fd85e28db79b59"
     "5541aba7e158b3936490b632355d74",
     "dc6ab0e261412cc709422289ea202021d9298060",
     "35d3ab0534102884ed0db4694a221df1bf94dcdbd78d2c197deb70ed52933f4fa0b09856"},
    {"Wycheproof aes_gcm 29, ad of 65", SUITE_AES128GCM, "f64d1bc47b081afb21181bdc16ffbcca", "2c03293704f79612181609d3",
     0,
     "a883d23e25a62b492f1271d3d79b8689dde7250a0575b8175a6b69d48d1b4bc2df1b4dc4a2b1eb506bc0e8c11e7dc2f3"
     "d08b475214551df7c53e581ec55c0d0a2d",
     "85b24904bf12ced33d78df7437b36fff83d1e817",
     "b00975863c673f0f19326294ebc4c77f7287c279ae57622c1d175ebbca77bd4ee812ed89"},
    {"Wycheproof aes_gcm 35, ad of 257", SUITE_AES128GCM, "3076741408f734ce25d48f982e8b844b",
     "a2712eac5e06d3cc2864aa8b", 0,
     "18526e4efd995a0bf6405d9f906725c290278958d49554974d8fe025e7860daa225c1285b0573916a4b6741f7cc2e29c"
     "e4e525e12f436cb7ce0ad47df3d0f5bd80fb27e47635a4985fdaedf0e821f1c8959985cac49c97a4a02438d92b4afd4c"
     "855dcc7ef41ecfc36866334fcc05b2bb93ef13f00c5ea9b921e8a519d77f648e0efe9b5a62305a2ecf7d4999663a6ddf"
     "ca517f1f36f0899b0bdef9f433c4bb2663c0cc1bb616e7d1949e522bec85485d371d1134c90eede75e865dc7be405b54"
     "c33f0acbace6cf780c78035b8035b6ea3f562a8d30a156c199fdafd25be06ee895581195ef125cb4e629e4f18e0bee97"
     "9d31513896db8466e448e6b4600a316757",
     "414ec6b149e54735302dada888b98b7fdb4c127c",
     "e4d3f4898cb3d9732641d1f8d9d889b2c98af93076d4fbb69d529b64175b328be00b1068"},
    {"Wycheproof aes_gcm 39, special case", SUITE_AES128GCM, "00112233445566778899aabbccddeeff",
     "000000000000000000000000", 0, "", "ebd4a3e10cf6d41c50aeae007563b072",
     "f62d84d649e56bc8cfedc5d74a51e2f7ffffffffffffffffffffffffffffffff"},
    {"Wycheproof aes_gcm 40, special case", SUITE_AES128GCM, "00112233445566778899aabbccddeeff",
     "ffffffffffffffffffffffff", 0, "", "d593c4d8224f1b100c35e4f6c4006543",
     "431f31e6840931fd95f94bf88296ff6900000000000000000000000000000000"},
    {"Wycheproof chacha20_poly1305 2, no text", SUITE_CHACHA20POLY1305,
     "80ba3192c803ce965ea371d5ff073cf0f43b6a2ab576b208426e11409c09b9b0", "4da5bf8dfd5852c1ea12379d", 0, "", "",
     "76acb342cf3166a5b63c0c0ea1383c8d"},
    {"Wycheproof chacha20_poly1305 3, ad only", SUITE_CHACHA20POLY1305,
     "7a4cd759172e02eb204db2c3f5c746227df584fc1345196391dbb9577a250742", "a92ef0ac991dd516a3c6f689", 0,
     "bd506764f2d2c410", "", "906fa6284b52f87b7359cbaa7563c709"},
    {"Wycheproof chacha20_poly1305 4, a byte", SUITE_CHACHA20POLY1305,
     "cc56b680552eb75008f5484b4cb803fa5063ebd6eab91f6ab6aef4916a766273", "99e23ec48985bccdeeab60f1", 0, "", "2a",
     "3acac27dec0968801e9f6eded69d807522"},
    {"Wycheproof chacha20_poly1305 122, ciphertext all 0", SUITE_CHACHA20POLY1305,
     "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "000102030405060708090a0b", 0,
     "00000000000000000000000000000000", "65b63bf074b7283992e24b1ac0df0d22b555dbe2254d94a43f1de748d3cc6f0d",
     "000000000000000000000000000000000000000000000000000000000000000039f4fce3026d83789ffd1ee6f2cd7c4f"},
    {"Wycheproof chacha20_poly1305 125, ciphertext all 1", SUITE_CHACHA20POLY1305,
     "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "000102030405060708090a0b", 0,
     "ffffffffffffffffffffffffffffffff", "9a49c40f8b48d7c66d1db4e53f20f2dd4aaa241ddab26b5bc0e218b72c3390f2",
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff37e3399d9ca696799f08f4f72bc0cdd8"},
    {"Wycheproof chacha20_poly1305 206, Poly1305 key", SUITE_CHACHA20POLY1305,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "000102030405060710abb165", 0,
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ffffffffffffffffffffffffffffffff",
     "dc8ce708bf26aab862d97e1b42f31ef38c382cf07174142ea564920612997b1c2e38aca2438b588d5459493e97e7fa33"
     "0ff9bc3b9458297ba0967d86ed090b435103478f2869b93ee29c837e95fb6b9903f3b735b7345428eb93b3db1d9b5187"
     "cebb889aa177d83e4f63fc9a5c0596eed939883d06aacdfdea44fdecdf5cb7fc",
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc296436246c3a7c4b3ba09ab2a6a0889"},
    {"Wycheproof chacha20_poly1305 227, tag all 0", SUITE_CHACHA20POLY1305,
     "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f", "000102030405060708090a0b", 0,
     "f1ffffffffffffffffffffffffffffff615af39eddb5fcd2519190d5507d3b06",
     "e48caf8a76183327c9561a4651c07c822ccd1642c06607d0d4bc0afb4de15915dbfa3b0b422e77e15c64bf6247031f15"
     "fdb643117809821870000adf83834da5",
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ffffffffffffffffffffffffffffffff00000000000000000000000000000000"},
    {"Wycheproof chacha20_poly1305 228, tag all 1", SUITE_CHACHA20POLY1305,
     "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f", "000102030405060708090a0b", 0,
     "b5ffffffffffffffffffffffffffffff764e5d82ce7da0d44148484fd96a6107",
     "e48caf8a76183327c9561a4651c07c822ccd1642c06607d0d4bc0afb4de15915dbfa3b0b422e77e15c64bf6247031f15"
     "fdb643117809821870000adf83834da5",
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
    {"Wycheproof chacha20_poly1305 233, sum 0", SUITE_CHACHA20POLY1305,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "000102030405060710abb165", 0, "ffffffff",
     "c68ce708bf26aab862d97e1b42f31ef37bb66f8090c149e452ec7f20327eb2ea2e38aca2438b588d5459493e97e7fa33"
     "0ff9bc23c897df6b00af86931d6c81555103478f2869b93ee29c837e95fb6b9903f3b72debfba2384baa48ceedfedb91",
     "e5ffffffffffffffffffffffffffffff0871bc8f1e4aa235087712d9df183609ffffffffffffffffffffffffffffffff"
     "ffffffe7a33009ef5fc604ea0f9a75e9ffffffffffffffffffffffffffffffffffffffe7a33009ef5fc604ea0f9a75e9"
     "3572162777262c518eef573b720e8e64"},
    {"Wycheproof chacha20_poly1305 236, sum 1", SUITE_CHACHA20POLY1305,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "000102030405060710abb165", 0, "ffffffff",
     "c78ce708bf26aab862d97e1b42f31ef376209eef141691fba5d10eaf581affe62e38aca2438b588d5459493e97e7fa33"
     "0e73d2dc3bbd954989cb8433b7d6597b5103478f2869b93ee29c837e95fb6b990279d9d218d1e81ac2ce4a6e474403bf",
     "e4ffffffffffffffffffffffffffffff05e74de09a9d7a2aff4a6356b57c7b05ffffffffffffffffffffffffffffffff"
     "fe759118501a43cdd6a2064aa520adc7fffffffffffffffffffffffffffffffffe759118501a43cdd6a2064aa520adc7"
     "347216375f5b7b5c4e6bff4912fd9473"},
    {"Wycheproof chacha20_poly1305 264, sum 2^128 - 1", SUITE_CHACHA20POLY1305,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "000102030405060710abb165", 0, "ffffffff",
     "dc8ce708bf26aab862d97e1b42f31ef3ec0933f0bfb91218cea0d74e061f559e2d38aca2438b588d5459493e97e7fa33"
     "8d5b67e0acee534ce2d9791487b1ecb25203478f2869b93ee29c837e95fb6b9981516cee8f822e1fa9dcb7497723b676",
     "ffffffffffffffffffffffffffffffff9fcee0ff3132f9c9943bbab7eb79d17dfcffffffffffffffffffffffffffffff"
     "7d5d2424c74985c8bdb0fb6d9547180efcffffffffffffffffffffffffffffff7d5d2424c74985c8bdb0fb6d9547180e"
     "3672162bb1f3ff537ece013f1aca4f68"},
    {"Wycheproof chacha20_poly1305 268, sum 2^128 + 1", SUITE_CHACHA20POLY1305,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "000102030405060710abb165", 0, "ffffffff",
     "dc8ce708bf26aab862d97e1b42f31ef3e87dd08ed4e4e04c5877616cbb02cabb2938aca2438b588d5459493e97e7fa33"
     "874f0401d457e336f4311f1152f957ba5603478f2869b93ee29c837e95fb6b998b450f0ff73b9e65bf34d14ca26b0d7e",
     "ffffffffffffffffffffffffffffffff9bba03815a6f0b9d02ec0c9556644e58f8ffffffffffffffffffffffffffffff"
     "774947c5bff035b2ab589d68400fa306f8ffffffffffffffffffffffffffffff774947c5bff035b2ab589d68400fa306"
     "3472164b815d9e6afec5505c5aa75d86"},
    {"Wycheproof chacha20_poly1305 275, sum 2^130 - 5", SUITE_CHACHA20POLY1305,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "000102030405060710abb165", 0, "ffffffff",
     "dc8ce708bf26aab862d97e1b42f31ef3d15ad590dd0f40ba18acd168f6ac777a0f38aca2438b588d5459493e97e7fa33"
     "932a097f1d39a04ad30f1b6c650260bf7003478f2869b93ee29c837e95fb6b999f2002713e55dd19980ad53195903a7b",
     "ffffffffffffffffffffffffffffffffa29d069f5384ab6b4237bc911bcaf399deffffffffffffffffffffffffffffff"
     "632c4abb769e76ce8c66991577f49403deffffffffffffffffffffffffffffff632c4abb769e76ce8c66991577f49403"
     "3572161355240943de9406292a64c551"},
};
#define AEAD_ROW_COUNT (sizeof(aead_rows) / sizeof(aead_rows[0]))

#endif
