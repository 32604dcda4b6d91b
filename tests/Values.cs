using System.Text;
using Secrets.Domain.Secrets;

namespace Secrets.Tests;

/// <summary>Secret values from and to strings. Only tests hold values as strings.</summary>
internal static class Values
{
    public static SecretValue Of(string text) => new(Encoding.UTF8.GetBytes(text));

    public static string Text(this SecretValue value)
    {
        using var plaintext = value.Reveal();
        return Encoding.UTF8.GetString(plaintext.Bytes);
    }
}
