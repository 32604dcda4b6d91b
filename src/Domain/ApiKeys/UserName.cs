using Secrets.Domain.Text;

namespace Secrets.Domain.ApiKeys;

/// <summary>The name of a user: the subject of the user's tokens.</summary>
public static class UserName
{
    /// <summary>Length of a name, as in OpenID Connect.</summary>
    public static readonly TextLength Length = new(1, 255);

    private const string UrnPrefix = "urn:uuid:";

    /// <summary>Whether the text is a uuid in any form. Such a text is an id, never a name.</summary>
    public static bool IsUuid(string text) =>
        Guid.TryParse(text.StartsWith(UrnPrefix, StringComparison.OrdinalIgnoreCase) ? text[UrnPrefix.Length..] : text, out _);
}
