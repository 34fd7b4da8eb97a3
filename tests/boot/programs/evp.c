/* SPDX-License-Identifier: MIT */
/*
 * Every digest, MAC and cipher that OpenSSL offers, over sizes that reach the
 * wide loops and each of their tails.  evp.sh runs it on each code path.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "common.h"

#define MAX_BYTES 8192
#define TAG_BYTES 16

static unsigned char noise[MAX_BYTES + 64];
static const unsigned char *const key = noise;      /* up to 64 bytes */
static const unsigned char *const iv = noise + 512; /* up to 16 bytes */

/* A width of each loop there is, and what is beside it. */
static const size_t sizes[] = {
    0,   1,   15,  16,  17,  31,   63,   64,   65,   127,  128,  129, 255,
    256, 257, 511, 513, 767, 1023, 1024, 1025, 1500, 2047, 4097, 8191};

static void print_digest(EVP_MD *md, void *unused)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint64_t sum = DIGEST_INIT;
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        must(EVP_DigestInit_ex(ctx, md, NULL) &&
                 EVP_DigestUpdate(ctx, noise + i % 32, sizes[i]) &&
                 EVP_DigestFinal_ex(ctx, out, &len),
             EVP_MD_get0_name(md));
        sum = digest(sum, out, len);
    }
    printf("digest %s %016llx\n", EVP_MD_get0_name(md),
           (unsigned long long)sum);
    EVP_MD_CTX_free(ctx);
}

/* --- ciphers --- */

struct Case {
    EVP_CIPHER *cipher;
    int mode;
    const unsigned char *in;
    size_t size;
};

/* The lengths that CCM wants beforehand, and data beside the message. */
static int start_aead(EVP_CIPHER_CTX *ctx, const struct Case *c,
                      unsigned char *tag, int enc)
{
    int len;

    if (c->mode == EVP_CIPH_CCM_MODE || !enc) {
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES,
                            enc ? NULL : tag);
    }
    if (!EVP_CipherInit_ex(ctx, NULL, NULL, key, iv, enc)) {
        return 0;
    }
    if (c->mode == EVP_CIPH_CCM_MODE &&
        !EVP_CipherUpdate(ctx, NULL, &len, NULL, c->size)) {
        return 0;
    }
    return EVP_CipherUpdate(ctx, NULL, &len, noise + 100, c->size % 77);
}

/* Length of the result, or -1. */
static int run_cipher(const struct Case *c, const unsigned char *in, int size,
                      unsigned char *out, unsigned char *tag, int enc)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int aead = EVP_CIPHER_get_flags(c->cipher) & EVP_CIPH_FLAG_AEAD_CIPHER;
    int len = 0, rest = 0, ok;

    ok = EVP_CipherInit_ex(ctx, c->cipher, NULL, NULL, NULL, enc) &&
         (aead ? start_aead(ctx, c, tag, enc)
               : EVP_CipherInit_ex(ctx, NULL, NULL, key, iv, enc)) &&
         EVP_CipherUpdate(ctx, out, &len, in, size) &&
         (c->mode == EVP_CIPH_CCM_MODE ||
          EVP_CipherFinal_ex(ctx, out + len, &rest));
    if (ok && aead && enc) {
        ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag);
    }
    EVP_CIPHER_CTX_free(ctx);
    return ok ? len + rest : -1;
}

static void print_cipher(EVP_CIPHER *cipher, void *unused)
{
    static unsigned char out[MAX_BYTES + 64], back[MAX_BYTES + 128];
    uint64_t sum = DIGEST_INIT;
    int refused = 0, lost = 0;

    if (strstr(EVP_CIPHER_get0_name(cipher), "-CBC-HMAC-") ||
        strcmp(EVP_CIPHER_get0_name(cipher), "DES3-WRAP") == 0) {
        return; /* takes TLS records only; makes an IV of its own */
    }
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct Case c = {cipher, EVP_CIPHER_get_mode(cipher), noise + i % 32,
                         sizes[i]};
        unsigned char tag[TAG_BYTES] = {0};
        int len = run_cipher(&c, c.in, c.size, out, tag, 1);

        if (len < 0) { /* as wrapping does with odd sizes */
            refused++;
            continue;
        }
        sum = digest(digest(sum, out, len), tag, TAG_BYTES);
        lost += run_cipher(&c, out, len, back, tag, 0) != (int)c.size ||
                memcmp(back, c.in, c.size) != 0;
    }
    printf("cipher %s %016llx refused %d lost %d\n",
           EVP_CIPHER_get0_name(cipher), (unsigned long long)sum, refused,
           lost);
}

/* --- MACs --- */

static void print_mac(const char *name, const char *with, const char *what,
                      size_t key_bytes)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, name, NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, (void *)iv, 12),
        OSSL_PARAM_construct_end()};
    uint64_t sum = DIGEST_INIT;

    if (with) {
        params[0] = OSSL_PARAM_construct_utf8_string(with, (char *)what, 0);
        if (strcmp(name, "GMAC") != 0) {
            params[1] = OSSL_PARAM_construct_end();
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
        unsigned char out[EVP_MAX_MD_SIZE];
        size_t len = 0;

        must(EVP_MAC_init(ctx, key, key_bytes, params) &&
                 EVP_MAC_update(ctx, noise + i % 32, sizes[i]) &&
                 EVP_MAC_final(ctx, out, &len, sizeof(out)),
             name);
        sum = digest(sum, out, len);
        EVP_MAC_CTX_free(ctx);
    }
    printf("mac %s %s %016llx\n", name, what ? what : "",
           (unsigned long long)sum);
    EVP_MAC_free(mac);
}

int main(void)
{
    uint64_t seed = 20240607;

    fill_random(noise, sizeof(noise), &seed);
    EVP_MD_do_all_provided(NULL, print_digest, NULL);
    EVP_CIPHER_do_all_provided(NULL, print_cipher, NULL);
    print_mac("HMAC", OSSL_MAC_PARAM_DIGEST, "SHA1", 20);
    print_mac("HMAC", OSSL_MAC_PARAM_DIGEST, "SHA256", 32);
    print_mac("HMAC", OSSL_MAC_PARAM_DIGEST, "SHA512", 64);
    print_mac("CMAC", OSSL_MAC_PARAM_CIPHER, "AES-128-CBC", 16);
    print_mac("CMAC", OSSL_MAC_PARAM_CIPHER, "AES-256-CBC", 32);
    print_mac("GMAC", OSSL_MAC_PARAM_CIPHER, "AES-256-GCM", 32);
    print_mac("Poly1305", NULL, NULL, 32);
    print_mac("SipHash", NULL, NULL, 16);
    print_mac("KMAC128", NULL, NULL, 32);
    print_mac("BLAKE2bMAC", NULL, NULL, 64);
    return 0;
}
