using Secrets.Domain.Text;

namespace Secrets.Application.Secrets;

/// <summary>Limits of a value's length.</summary>
public sealed class ValueOptions
{
    public const string Section = "Limits";

    /// <summary>The longest value of a user's secret, in code points.</summary>
    public int SecretValueLength { get; set; } = SecretValue.LengthOfUser.Maximum;

    public bool IsValid() => SecretValueLength >= SecretValue.LengthOfUser.Minimum && SecretValueLength <= SecretValue.LargestMaximum;

    /// <summary>Limits for the values of a kind of owner.</summary>
    public TextLength LengthOf(OwnerKind owner) =>
        owner == OwnerKind.Organization ? SecretValue.LengthOfOrganization : SecretValue.LengthOfUser with { Maximum = SecretValueLength };
}
