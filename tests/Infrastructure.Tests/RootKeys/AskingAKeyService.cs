using System.Security.Cryptography;
using Azure.Core;
using Azure.Identity;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Tests.RootKeys;

/// <summary>What only key services do: they bind the wrapped key to a purpose, redirect, and ask for a login.</summary>
public sealed class AskingAKeyService
{
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(AesGcmBox.KeySize);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Aws_opens_only_what_was_encrypted_as_a_root_key()
    {
        await using var place = await AwsKmsPlace.StartAsync();
        await place.HoldAsync(_key);
        place.Purpose = "something else";

        var refusal = await Assert.ThrowsAsync<StartupException>(() => place.ReadAsync(Cancellation));

        Assert.Contains("InvalidCiphertextException, status 400", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("purpose=secrets-root-key", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Azure_opens_only_what_was_wrapped_with_its_algorithm()
    {
        await using var place = await AzureKeyVaultPlace.StartAsync();
        await place.HoldAsync(_key, RSAEncryptionPadding.OaepSHA1);

        var refusal = await Assert.ThrowsAsync<StartupException>(() => place.ReadAsync(Cancellation));

        Assert.Contains("BadParameter, status 400", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("RSA-OAEP-256", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>The request carries a token or a signature, and the response carries the key: only the configured address may have them.</summary>
    [Theory]
    [InlineData("AwsKms", "no answer that can be read")]
    [InlineData("AzureKeyVault", "status 307")]
    public async Task Redirects_are_not_followed(string provider, string reason)
    {
        await using var place = (KeyServicePlace)await KeyPlace.MakeAsync(provider);
        await using var other = (KeyServicePlace)await KeyPlace.MakeAsync(provider);
        await place.HoldAsync(_key);
        place.Instead = context => KeyServicePlace.AnswerAsync(context, 307, "", other.Address + context.Request.Path + context.Request.QueryString);

        var refusal = await Assert.ThrowsAsync<StartupException>(() => place.ReadAsync(Cancellation));

        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, other.Requests);
    }

    [Theory]
    [InlineData("AwsKms")]
    [InlineData("AzureKeyVault")]
    public async Task A_long_answer_or_none_is_refused(string provider)
    {
        await using var place = (KeyServicePlace)await KeyPlace.MakeAsync(provider);
        await place.HoldAsync(_key);
        foreach (var body in (string[])["", "{}", "[]", "null", "\"value\"", """{"value":1,"Plaintext":1}""", """{"error":{"code":"x"}}""", new string(' ', 100_000)])
        {
            place.Instead = context => KeyServicePlace.AnswerAsync(context, 200, body);

            ReadingARootKey.AssertIsSafe(await Assert.ThrowsAsync<StartupException>(() => place.ReadAsync(Cancellation)), _key);
        }
    }

    [Theory]
    [InlineData("AwsKms")]
    [InlineData("AzureKeyVault")]
    public async Task A_missing_or_unreadable_wrapped_file_is_named_before_the_service_is_asked(string provider)
    {
        await using var place = (KeyServicePlace)await KeyPlace.MakeAsync(provider);
        foreach (var content in (string?[])[null, "not base64!", new string('A', 20_000)])
        {
            File.Delete(place.WrappedFile);
            if (content is not null)
            {
                await File.WriteAllTextAsync(place.WrappedFile, content, Cancellation);
            }

            var refusal = await Assert.ThrowsAsync<StartupException>(() => place.ReadAsync(Cancellation));
            Assert.Contains($"Encryption:RootKey:WrappedFile, {place.WrappedFile}, ", refusal.Message, StringComparison.Ordinal);
        }

        Assert.Equal(0, place.Requests);
    }

    [Fact]
    public async Task Without_an_Azure_login_the_vault_is_not_asked()
    {
        await using var place = await AzureKeyVaultPlace.StartAsync();
        await place.HoldAsync(_key);

        var refusal = await Assert.ThrowsAsync<StartupException>(() => KeyPlace.ReadAsync(place.Settings, Cancellation, new NoLogin()));

        Assert.Contains("Encryption:RootKey:Provider finds no Azure login", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, place.Requests);
    }

    private sealed class NoLogin : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => throw new CredentialUnavailableException("no\nlogin");

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            GetToken(requestContext, cancellationToken) is var token ? ValueTask.FromResult(token) : default;
    }
}
