# Downloads to the folder of the installation, and what is checked before a file is run.

# Returns the file, which has this hash. A file that is there already is not downloaded again.
function Save-Download {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        [string] $Name,

        [Parameter(Mandatory)]
        [string] $Url,

        [Parameter(Mandatory)]
        [string] $Sha256
    )
    $folder = Join-Path $Installation.Folder 'files'
    New-Item -ItemType Directory -Path $folder -Force | Out-Null
    $file = Join-Path $folder $Name
    if (Test-FileHash -File $file -Sha256 $Sha256) { return $file }
    Add-InstallationProgress -Installation $Installation -Text "downloads $Url"
    # .NET on Windows Server 2012 R2 and 2016 offers only TLS 1.0 by default.
    $protocols = [System.Net.ServicePointManager]::SecurityProtocol -bor [System.Net.SecurityProtocolType]::Tls12
    [System.Net.ServicePointManager]::SecurityProtocol = $protocols
    $client = New-Object System.Net.WebClient
    try {
        $client.DownloadFile($Url, "$file.part")
    } catch {
        $remedy = 'Let this server reach that address, or give another one in the stack, then run this again.'
        Stop-Installation $Installation -Cause "$Url could not be downloaded: $($_.Exception.Message)" -Remedy $remedy
    } finally {
        $client.Dispose()
    }
    Complete-Download -Installation $Installation -Url $Url -File $file -Sha256 $Sha256
    $file
}

function Complete-Download {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        [string] $Url,

        [Parameter(Mandatory)]
        [string] $File,

        [Parameter(Mandatory)]
        [string] $Sha256
    )
    $found = (Get-FileHash -LiteralPath "$File.part" -Algorithm SHA256).Hash
    if ($found -ne $Sha256) {
        Remove-Item -LiteralPath "$File.part" -Force
        $cause = "$Url has SHA-256 $found, expected $Sha256"
        Stop-Installation $Installation -Cause $cause -Remedy 'Give the URL and the hash of the same file in the stack.'
    }
    # Windows warns of files that come from the Internet, and mounts no such image.
    Unblock-File -LiteralPath "$File.part"
    Move-Item -LiteralPath "$File.part" -Destination $File -Force
}

function Test-FileHash {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $File,

        [Parameter(Mandatory)]
        [string] $Sha256
    )
    (Test-Path -LiteralPath $File) -and (Get-FileHash -LiteralPath $File -Algorithm SHA256).Hash -eq $Sha256
}

function Assert-MicrosoftSignature {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        [string] $File
    )
    $signature = Get-AuthenticodeSignature -LiteralPath $File
    $signer = if ($signature.SignerCertificate) { $signature.SignerCertificate.Subject } else { 'none' }
    if ("$($signature.Status)" -ne 'Valid' -or $signer -notmatch '(^|, )O=Microsoft Corporation(,|\z)') {
        $cause = "$File is not signed by Microsoft (signature $($signature.Status), signer: $signer)"
        Stop-Installation $Installation -Cause $cause -Remedy 'Use an unchanged file from Microsoft.'
    }
}
