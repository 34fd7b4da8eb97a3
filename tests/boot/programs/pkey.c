/* SPDX-License-Identifier: MIT */
/*
 * Public keys with OpenSSL: made, used and checked, all random numbers being
 * those of a seed.  pkey.sh runs it on each code path of OpenSSL's.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD: a seed for everything */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common.h"

static uint64_t random_state;
static unsigned char message[1000];

static int seeded_bytes(unsigned char *out, int size)
{
    fill_random(out, size, &random_state);
    return 1;
}

static int seeded_status(void)
{
    return 1;
}

static const RAND_METHOD seeded = {
    .bytes = seeded_bytes,
    .pseudorand = seeded_bytes,
    .status = seeded_status,
};

static void print_bytes(const char *what, const void *data, size_t size)
{
    printf("  %s %zu bytes %016llx\n", what, size,
           (unsigned long long)digest(DIGEST_INIT, data, size));
}

static void print_public(EVP_PKEY *pkey)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);

    must(len > 0, "i2d_PUBKEY");
    print_bytes("public key", der, len);
    OPENSSL_free(der);
}

static int verifies(EVP_PKEY *pkey, const char *md, int padding,
                    const unsigned char *sig, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    int ok;

    ok = EVP_DigestVerifyInit_ex(ctx, &pctx, md, NULL, NULL, pkey, NULL) &&
         (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(pctx, padding) > 0) &&
         EVP_DigestVerify(ctx, sig, len, message, sizeof(message)) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

/* A signature, which a changed bit makes wrong.  padding is RSA's, or 0. */
static void sign(EVP_PKEY *pkey, const char *md, int padding)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    unsigned char sig[1024];
    size_t len = sizeof(sig);
    int good;

    must(
        EVP_DigestSignInit_ex(ctx, &pctx, md, NULL, NULL, pkey, NULL) &&
            (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(pctx, padding) > 0) &&
            EVP_DigestSign(ctx, sig, &len, message, sizeof(message)),
        "sign");
    EVP_MD_CTX_free(ctx);
    print_bytes("signature", sig, len);
    good = verifies(pkey, md, padding, sig, len);
    sig[len - 3] ^= 0x10;
    printf("  verified %d, changed %d\n", good,
           verifies(pkey, md, padding, sig, len));
}

/* Another party's key of the same kind, and the secret of both. */
static void agree(EVP_PKEY *mine, EVP_PKEY *theirs)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
    unsigned char secret[1024];
    size_t len = sizeof(secret);

    must(EVP_PKEY_derive_init(ctx) > 0 &&
             EVP_PKEY_derive_set_peer(ctx, theirs) > 0 &&
             EVP_PKEY_derive(ctx, secret, &len) > 0,
         "derive");
    print_bytes("secret", secret, len);
    EVP_PKEY_CTX_free(ctx);
}

static void encrypt(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    unsigned char out[1024], back[1024];
    size_t len = sizeof(out), size = sizeof(back);

    must(EVP_PKEY_encrypt_init(ctx) > 0 &&
             EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
             EVP_PKEY_encrypt(ctx, out, &len, message, 50) > 0,
         "encrypt");
    print_bytes("encrypted", out, len);
    must(EVP_PKEY_decrypt_init(ctx) > 0 &&
             EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
             EVP_PKEY_decrypt(ctx, back, &size, out, len) > 0,
         "decrypt");
    printf("  decrypted %d\n", size == 50 && memcmp(back, message, 50) == 0);
    EVP_PKEY_CTX_free(ctx);
}

static void rsa(unsigned bits)
{
    EVP_PKEY *pkey;

    printf("RSA %u\n", bits);
    pkey = EVP_RSA_gen(bits);
    must(pkey != NULL, "EVP_RSA_gen");
    print_public(pkey);
    sign(pkey, "SHA256", RSA_PKCS1_PADDING);
    sign(pkey, "SHA256", RSA_PKCS1_PSS_PADDING);
    encrypt(pkey);
    EVP_PKEY_free(pkey);
}

static void curve(const char *name, int signs)
{
    EVP_PKEY *mine = EVP_EC_gen(name), *theirs = EVP_EC_gen(name);

    printf("curve %s\n", name);
    must(mine && theirs, "EVP_EC_gen");
    print_public(mine);
    if (signs) {
        sign(mine, "SHA384", 0);
    }
    agree(mine, theirs);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
}

static void edwards(const char *name, const char *kind)
{
    EVP_PKEY *mine = EVP_PKEY_Q_keygen(NULL, NULL, name);

    printf("%s %s\n", kind, name);
    must(mine != NULL, name);
    print_public(mine);
    if (strcmp(kind, "signature") == 0) {
        sign(mine, NULL, 0);
    } else {
        EVP_PKEY *theirs = EVP_PKEY_Q_keygen(NULL, NULL, name);

        agree(mine, theirs);
        EVP_PKEY_free(theirs);
    }
    EVP_PKEY_free(mine);
}

static void diffie_hellman(const char *group)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string("group", (char *)group, 0),
        OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    EVP_PKEY *mine = NULL, *theirs = NULL;

    printf("group %s\n", group);
    must(EVP_PKEY_keygen_init(ctx) > 0 &&
             EVP_PKEY_CTX_set_params(ctx, params) > 0 &&
             EVP_PKEY_generate(ctx, &mine) > 0 &&
             EVP_PKEY_generate(ctx, &theirs) > 0,
         group);
    agree(mine, theirs);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
    EVP_PKEY_CTX_free(ctx);
}

int main(int argc, char **argv)
{
    unsigned max_bits = argc > 1 ? atoi(argv[1]) : 2048;

    random_state = 77665544332211;
    fill_random(message, sizeof(message), &random_state);
    must(RAND_set_rand_method(&seeded), "RAND_set_rand_method");
    for (unsigned bits = 1024; bits <= max_bits; bits += 512) {
        rsa(bits);
    }
    curve("P-224", 1);
    curve("P-256", 1);
    curve("P-384", 1);
    curve("P-521", 1);
    curve("secp256k1", 1);
    curve("brainpoolP256r1", 1);
    curve("sect283k1", 1); /* binary: carry-less products */
    edwards("X25519", "agreement");
    edwards("X448", "agreement");
    edwards("ED25519", "signature");
    edwards("ED448", "signature");
    diffie_hellman("ffdhe2048");
    return 0;
}
