namespace Secrets.Application.Common;

/// <summary>The versions that a sender is prepared to change (HTTP's If-Match).</summary>
public sealed record VersionCondition(IReadOnlyList<int> Versions)
{
    /// <summary>Any version will do, but there must be one.</summary>
    public static readonly VersionCondition Any = new([]) { AdmitsAll = true };

    private bool AdmitsAll { get; init; }

    /// <summary>Fails unless that version is among the expected ones.</summary>
    /// <exception cref="PreconditionFailedException">It is not.</exception>
    public void Require(int version)
    {
        if (!AdmitsAll && !Versions.Contains(version))
        {
            throw new PreconditionFailedException();
        }
    }
}
