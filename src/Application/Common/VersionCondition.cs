namespace Secrets.Application.Common;

/// <summary>The versions that a caller expects (HTTP's If-Match).</summary>
public sealed record VersionCondition(IReadOnlyList<int> Versions)
{
    /// <summary>Any version of an existing secret.</summary>
    public static readonly VersionCondition Any = new([]) { AdmitsAll = true };

    private bool AdmitsAll { get; init; }

    /// <summary>Requires an expected version.</summary>
    /// <exception cref="PreconditionFailedException">The version is not expected.</exception>
    public void Require(int version)
    {
        if (!AdmitsAll && !Versions.Contains(version))
        {
            throw new PreconditionFailedException();
        }
    }
}
