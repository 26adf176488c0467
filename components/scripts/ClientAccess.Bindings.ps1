# The HTTPS bindings of IIS, each of which has its own certificate.

# Clients reach the first site. Exchange itself reaches the second one, which a server without the Mailbox role lacks;
# without its own certificate OWA and ECP are blank pages.
$ClientSite = @{ Name = 'Default Web Site'; Port = 443 }
$BackEndSite = @{ Name = 'Exchange Back End'; Port = 444 }

function Import-WebAdministration {
    $remedy = 'Install IIS Management Scripts and Tools there (Install-WindowsFeature Web-Scripting-Tools), ' +
    'then run this again.'
    Invoke-Step -Subject 'WebAdministration' -Remedy $remedy -Step {
        Import-Module -Name WebAdministration -ErrorAction Stop
    }
}

function Get-SiteBinding {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [hashtable] $Site
    )
    $remedy = 'Fix it until Get-WebBinding shows this site there, then run this again.'
    Invoke-Step -Subject $Site.Name -Remedy $remedy -Step {
        Get-WebBinding -Name $Site.Name -Protocol 'https' | Where-Object {
            "$($_.bindingInformation)" -match ":$($Site.Port):[^:\]]*\z"
        }
    }
}

# Returns binding -> thumbprint, in upper case.
function Read-SiteCertificate {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [hashtable] $Site
    )
    $table = [ordered]@{}
    foreach ($binding in @(Get-SiteBinding -Site $Site)) {
        $table["$($binding.bindingInformation)"] = "$($binding.certificateHash)".ToUpperInvariant()
    }
    $table
}

# Gives each binding of the site the certificate that the table has for it. Returns the bindings that were changed.
function Set-SiteCertificate {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [hashtable] $Site,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Thumbprint
    )
    $remedy = "Give this binding its certificate in IIS Manager there, site $($Site.Name), then run this again."
    foreach ($binding in @(Get-SiteBinding -Site $Site)) {
        $name = "$($binding.bindingInformation)"
        if (-not $Thumbprint[$name] -or "$($binding.certificateHash)" -eq $Thumbprint[$name]) { continue }
        Invoke-Step -Subject "$($Site.Name), binding $name" -Remedy $remedy -Step {
            $binding.AddSslCertificate($Thumbprint[$name], 'My')
        }
        Write-Note "$($Site.Name), binding ${name}: has $($Thumbprint[$name]) now."
        "$($Site.Name) $name"
    }
}
