using System.Net;
using System.Text.RegularExpressions;

namespace Secrets.Infrastructure.Encryption.RootKeySources;

/// <summary>Says why a key service refused a request. Only its error code is repeated: its text may contain anything.</summary>
internal static partial class RefusalReason
{
    public static string Of(string? code, HttpStatusCode status) =>
        code is not null && Code().IsMatch(code) ? $"{code}, status {(int)status}" : $"status {(int)status}";

    [GeneratedRegex(@"^[A-Za-z.]{1,64}\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Code();
}
