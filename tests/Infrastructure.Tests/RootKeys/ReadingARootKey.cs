using System.Buffers.Text;
using System.Security.Cryptography;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.RootKeySources;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Tests.RootKeys;

/// <summary>What every provider of a root key must do. The stand-ins check the requests.</summary>
public sealed class ReadingARootKey
{
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(AesGcmBox.KeySize);

    public static TheoryData<string> Providers => [.. Enum.GetNames<RootKeyProvider>()];

    public static TheoryData<string> ProvidersThatWait => [.. Enum.GetNames<RootKeyProvider>().Except(["File"])];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task The_key_is_read(string provider)
    {
        await using var place = await KeyPlace.MakeAsync(provider);
        await place.HoldAsync(_key);

        Assert.Equal(_key, await place.ReadAsync(Cancellation));
        Assert.Empty(place.Faults);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_key_of_another_length_is_refused(string provider)
    {
        foreach (var length in (int[])[0, 16, 31, 33, 64])
        {
            await using var place = await KeyPlace.MakeAsync(provider);
            var key = RandomNumberGenerator.GetBytes(length);
            await place.HoldAsync(key);

            Assert.Contains("32", await RefusalAsync(place, length < 16 ? _key : key), StringComparison.Ordinal);
            Assert.Empty(place.Faults);
        }
    }

    [Theory]
    [InlineData("File", "does not exist")]
    [InlineData("AwsKms", "AccessDeniedException, status 403")]
    [InlineData("AzureKeyVault", "Forbidden, status 403")]
    [InlineData("Command", "exit code 7")]
    public async Task A_refusal_is_reported_with_its_reason(string provider, string reason)
    {
        await using var place = await KeyPlace.MakeAsync(provider);
        await place.RefuseAsync(_key);

        Assert.Contains(reason, await RefusalAsync(place, _key), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Something_else_than_a_key_is_refused_and_not_repeated(string provider)
    {
        await using var place = await KeyPlace.MakeAsync(provider);
        await place.GarbleAsync(_key);

        await RefusalAsync(place, _key);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_place_that_is_gone_is_reported(string provider)
    {
        await using var place = await KeyPlace.MakeAsync(provider);
        await place.HoldAsync(_key);
        await place.VanishAsync();

        await RefusalAsync(place, _key);
    }

    [Theory]
    [MemberData(nameof(ProvidersThatWait))]
    public async Task A_place_that_does_not_answer_is_given_up(string provider)
    {
        await using var place = await KeyPlace.MakeAsync(provider);
        await place.HangAsync();

        var refusal = await RefusalAsync(place, _key);
        Assert.Contains("within 2 seconds", refusal, StringComparison.Ordinal);
        Assert.Contains("Encryption:RootKey:TimeoutSeconds", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ProvidersThatWait))]
    public async Task A_stop_during_the_start_does_not_wait_for_the_key(string provider)
    {
        await using var place = await KeyPlace.MakeAsync(provider);
        await place.HangAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        stop.CancelAfter(200);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => place.ReadAsync(stop.Token));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_cancelled_start_reads_nothing(string provider)
    {
        await using var place = await KeyPlace.MakeAsync(provider);
        await place.HoldAsync(_key);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => place.ReadAsync(new CancellationToken(canceled: true)));
    }

    /// <summary>Reads the key, and returns the one sentence with which the start is refused.</summary>
    private static async Task<string> RefusalAsync(KeyPlace place, byte[] key)
    {
        var refusal = await Assert.ThrowsAsync<StartupException>(() => place.ReadAsync(Cancellation));
        AssertIsSafe(refusal, key);
        return refusal.Message;
    }

    /// <summary>One line that names a setting, and no part of the key in any encoding, in the exception or in one behind it.</summary>
    internal static void AssertIsSafe(StartupException refusal, byte[] key)
    {
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.Contains("Encryption:RootKey", refusal.Message, StringComparison.Ordinal);
        var everything = $"{refusal}";
        foreach (var text in (string[])[Convert.ToBase64String(key), Base64Url.EncodeToString(key), Convert.ToHexString(key), Convert.ToHexStringLower(key)])
        {
            Assert.DoesNotContain(text[..20], everything, StringComparison.Ordinal);
        }
    }
}
